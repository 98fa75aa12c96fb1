package dev.norma.benchmarks.report;

import dev.norma.benchmarks.Case;
import dev.norma.benchmarks.Operation;
import dev.norma.benchmarks.Pass;
import dev.norma.benchmarks.Row;
import dev.norma.benchmarks.report.Table.Cell;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.commons.statistics.inference.MannWhitneyUTest;

/**
 * What became slower or faster from one run to another, beyond the noise: the rounds differ by a Mann-Whitney U test,
 * the quartiles do not overlap, and the medians differ by more than what two runs of the same program differ by.
 */
public final class Comparison {
  private static final double SIGNIFICANCE = 0.01;
  private static final double LEAST_CHANGE = 0.02;
  private static final double DRIFT = 0.02;
  /** With fewer on both sides, no outcome of the test would be significant. */
  private static final int LEAST_ROUNDS = 5;

  private static final String MACHINE = "copy";

  /** One implementation in one case, in both runs. */
  private record Change(Timing before, Timing after) {
    double ratio() {
      return after.time().median() / before.time().median();
    }

    boolean hasRounds() {
      return Math.min(before.rounds().size(), after.rounds().size()) >= LEAST_ROUNDS;
    }

    boolean isBeyondNoise() {
      return hasRounds()
          && Math.abs(ratio() - 1) > LEAST_CHANGE
          && !before.time().overlaps(after.time())
          && MannWhitneyUTest.withDefaults().test(before.nanoseconds(), after.nanoseconds()).reject(SIGNIFICANCE);
    }
  }

  private record Key(String name, Case measured) {}

  private final List<Change> changes = new ArrayList<>();
  private final List<Timing> gone;
  private final List<Timing> added;

  /**
   * Compares two runs.
   *
   * @param before rows of the older results.csv
   * @param after rows of the newer one
   */
  public Comparison(List<Row> before, List<Row> after) {
    var old = byKey(before);
    added = new ArrayList<>();
    for (var timing : Timing.of(after)) {
      var match = old.remove(key(timing));
      if (match == null) {
        added.add(timing);
      } else {
        changes.add(new Change(match, timing));
      }
    }
    gone = List.copyOf(old.values());
  }

  private static Map<Key, Timing> byKey(List<Row> rows) {
    return Timing.of(rows).stream()
        .collect(Collectors.toMap(Comparison::key, timing -> timing, (one, other) -> one, LinkedHashMap::new));
  }

  private static Key key(Timing timing) {
    return new Key(timing.name(), timing.measured());
  }

  /**
   * Says what changed.
   *
   * @return lines, each with its end
   */
  public String text() {
    return String.join(
        "\n",
        summary(),
        machine(),
        section("Slower beyond the noise", changes.stream()
            .filter(change -> change.isBeyondNoise() && change.ratio() > 1)
            .sorted(Comparator.comparingDouble(Change::ratio).reversed())),
        section("Faster beyond the noise", changes.stream()
            .filter(change -> change.isBeyondNoise() && change.ratio() < 1)
            .sorted(Comparator.comparingDouble(Change::ratio))),
        means(),
        onlyIn("old", gone) + onlyIn("new", added));
  }

  private String summary() {
    long few = changes.stream().filter(change -> !change.hasRounds()).count();
    return "%s in both runs. Ratios are new time over old: above 1 is slower.\n".formatted(
            Units.count(changes.size(), "time"))
        + (few == 0
            ? ""
            : "%s with fewer than %d rounds: too few to tell a change from noise.\n"
                .formatted(Units.count(few, "time"), LEAST_ROUNDS));
  }

  /** The copies compute nothing and do not change: what they gained or lost is the machine's. */
  private String machine() {
    var copies = changes.stream().filter(change -> change.after().name().equals(MACHINE)).toList();
    var drift = mean(copies);
    if (drift.isEmpty()) {
      return "The machine: there is no " + MACHINE + " in both runs to tell whether it drifted.\n";
    }
    double ratio = drift.get().value();
    return "The machine: %s takes %s its old time over %s. %s\n".formatted(
        MACHINE,
        Units.ratio(ratio),
        Units.count(copies.size(), "case"),
        Math.abs(ratio - 1) > DRIFT
            ? "It drifted: changes of about this size are the machine's."
            : "It did not drift.");
  }

  private static String section(String title, Stream<Change> changes) {
    var rows = changes.map(change -> List.of(
            Cell.of(change.after().name()),
            Cell.of(Units.text(change.after().measured())),
            Cell.number(Units.time(change.before().time().median())),
            Cell.number(Units.time(change.after().time().median())),
            Cell.number(Units.ratio(change.ratio()))))
        .toList();
    return rows.isEmpty()
        ? title + ": nothing\n"
        : "%s: %d\n\n%s".formatted(
            title, rows.size(), new Table(title, List.of("", "case", "old", "new", "ratio"), rows).toText());
  }

  /** One table for each operation, of which most runs have one. */
  private String means() {
    return changes.stream()
        .map(change -> change.after().measured().operation())
        .distinct()
        .sorted()
        .map(this::means)
        .collect(Collectors.joining("\n"));
  }

  private String means(Operation operation) {
    var names = changes.stream()
        .filter(change -> change.after().measured().operation() == operation)
        .map(change -> change.after().name())
        .distinct()
        .toList();
    var columns = Stream.concat(Stream.of(""), Stream.of(Pass.values()).map(Pass::toString)).toList();
    var rows = names.stream()
        .map(name -> Stream.concat(
                Stream.of(Cell.of(name)), Stream.of(Pass.values()).map(pass -> mean(name, operation, pass)))
            .toList())
        .toList();
    return "Geometric means over all cases%s\n\n%s".formatted(
        operation == Operation.BATCH_NORM ? "" : " of " + operation,
        new Table("Geometric means", columns, rows).toText());
  }

  private Cell mean(String name, Operation operation, Pass pass) {
    var chosen = changes.stream()
        .filter(change -> change.after().name().equals(name))
        .filter(change -> change.after().measured().operation() == operation)
        .filter(change -> change.after().measured().pass() == pass)
        .toList();
    return Cell.number(mean(chosen).map(Mean::toString).orElse("–"));
  }

  private static Optional<Mean> mean(List<Change> changes) {
    return Mean.of(
        changes.stream()
            .map(change -> new Mean.Weighted(change.ratio(), change.after().measured().shape().count()))
            .toList(),
        changes.size());
  }

  private static String onlyIn(String run, List<Timing> timings) {
    return timings.stream()
        .collect(Collectors.groupingBy(Timing::name, LinkedHashMap::new, Collectors.counting()))
        .entrySet()
        .stream()
        .map(entry -> "Only in the %s run: %s, %s\n".formatted(
            run, entry.getKey(), Units.count(entry.getValue(), "case")))
        .collect(Collectors.joining());
  }
}
