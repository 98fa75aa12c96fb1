package dev.norma.cli;

import dev.norma.DataType;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The largest error of every output of every operation, for each data type, and all mismatches. */
final class ErrorTable {
  private static final String ROW = "%-24s%-14s%8s  %8s  %8s  %8s  %s";

  private record Key(String operation, String output) {}

  private record Worst(double error, CheckCase at) {
    Worst orWorse(Worst other) {
      return other.error > error ? other : this;
    }
  }

  private final Map<Key, Map<DataType, Worst>> worst = new LinkedHashMap<>();
  private final List<String> mismatches = new ArrayList<>();
  private long comparisons;

  void add(String operation, CheckedOutput output, CheckCase checkCase) {
    comparisons += output.expected().size();
    worst.computeIfAbsent(new Key(operation, output.name()), key -> new LinkedHashMap<>())
        .merge(checkCase.type(), new Worst(output.largestError(), checkCase), Worst::orWorse);
  }

  void mismatch(CheckCase checkCase, String message) {
    mismatches.add(checkCase + ": " + message);
  }

  List<String> mismatches() {
    return List.copyOf(mismatches);
  }

  /** How many values were compared. */
  long comparisons() {
    return comparisons;
  }

  List<String> lines() {
    var lines = new ArrayList<String>();
    lines.add(ROW.formatted("operation", "output", "f32", "f64", "bf16", "f16", "largest at").stripTrailing());
    worst.forEach((key, byType) -> {
      var largest = byType.values().stream().reduce(new Worst(0, null), Worst::orWorse);
      lines.add(ROW.formatted(key.operation(), key.output(), cell(byType.get(DataType.FLOAT32)),
          cell(byType.get(DataType.FLOAT64)), cell(byType.get(DataType.BFLOAT16)), cell(byType.get(DataType.FLOAT16)),
          largest.error() == 0 ? "" : largest.at()).stripTrailing());
    });
    return lines;
  }

  private static String cell(Worst worst) {
    if (worst == null) {
      return "";
    }
    return worst.error() == 0 ? "0" : worst.error() < 0.001 ? "< 0.001" : "%.3f".formatted(worst.error());
  }
}
