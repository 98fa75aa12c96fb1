package dev.norma.cli.train;

import java.util.function.ToDoubleFunction;

/**
 * A row of a table of results.
 *
 * @param name its name
 * @param format how its numbers are printed
 * @param unit what follows them
 * @param value the number of one training; NaN where it has none
 */
record Measure(String name, String format, String unit, ToDoubleFunction<Outcome> value) {
  static Measure percent(String name, ToDoubleFunction<Outcome> share) {
    return new Measure(name, "%.2f", " %", outcome -> 100 * share.applyAsDouble(outcome));
  }

  /** The number of a single training, or the mean of several and their standard deviation. */
  String of(Trained trained) {
    var summary = trained.summary(value);
    if (Double.isNaN(summary.mean())) {
      return "-";
    }
    String mean = format.formatted(summary.mean());
    return (trained.runs().size() > 1 ? mean + " ± " + format.formatted(summary.deviation()) : mean) + unit;
  }
}
