package dev.norma.cli.train;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** What the normalized outputs of the two-layer network are in test mode. */
final class TwoLayerReport {
  private static final Columns COLUMNS = new Columns(31, 12);
  private static final int[] SHOWN = {0, 1, 5, 20, TwoLayerExperiment.ITERATIONS, TwoLayerExperiment.MORE_ITERATIONS};

  private TwoLayerReport() {}

  static List<String> lines(RunningHistory history) {
    var lines = new ArrayList<String>();
    lines.add("%s: after %d iterations. The variance of output 1 was %.1e, epsilon is 1e-5.".formatted(
        history.name(), TwoLayerExperiment.ITERATIONS, history.variance()));
    lines.add(COLUMNS.row("", List.of("output 1", "", "output 2", "", "output 3", "")));
    lines.add(COLUMNS.row("", List.of("mean", "deviation", "mean", "deviation", "mean", "deviation")));
    lines.add(COLUMNS.rule(2 * TwoLayerExperiment.GAMMA.length));
    lines.add(row("beta and gamma", asStatistics()));
    lines.add(row("training mode, last batch", history.training()));
    for (var way : RunningCase.values()) {
      lines.add(row("test: " + way.title(), history.test().get(way).get(TwoLayerExperiment.ITERATIONS)));
    }
    lines.add("");
    lines.add("Deviation of output 1 in test mode over that in training mode, after so many iterations:");
    lines.add(COLUMNS.row("", IntStream.of(SHOWN).mapToObj(Integer::toString).toList()));
    for (var way : RunningCase.values()) {
      lines.add(COLUMNS.row(way.title(),
          IntStream.of(SHOWN).mapToObj(n -> number(history.deviationRatio(way, n))).toList()));
    }
    return lines;
  }

  private static UnitStatistics asStatistics() {
    int units = TwoLayerExperiment.GAMMA.length;
    return new UnitStatistics(
        IntStream.range(0, units).mapToDouble(unit -> TwoLayerExperiment.BETA[unit]).toArray(),
        IntStream.range(0, units).mapToDouble(unit -> TwoLayerExperiment.GAMMA[unit]).toArray());
  }

  private static String row(String name, UnitStatistics statistics) {
    return COLUMNS.row(name, IntStream.range(0, statistics.means().length).boxed()
        .flatMap(unit -> Stream.of(number(statistics.means()[unit]), number(statistics.deviations()[unit])))
        .toList());
  }

  private static String number(double value) {
    return Math.abs(value) < 1e5 ? "%.3f".formatted(value) : "%.2e".formatted(value);
  }

  static List<String> explanation() {
    var lines = new ArrayList<String>();
    for (var way : RunningCase.values()) {
      lines.add(way.title() + ":");
      way.explanation().forEach(line -> lines.add("  " + line));
    }
    return lines;
  }
}
