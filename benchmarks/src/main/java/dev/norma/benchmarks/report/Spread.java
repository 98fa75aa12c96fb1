package dev.norma.benchmarks.report;

import org.apache.commons.statistics.descriptive.Quantile;
import org.apache.commons.statistics.descriptive.Quantile.EstimationMethod;

/**
 * Where the middle half of some values lies. Unlike mean and deviation, it does not move with a few rounds that
 * something else on the machine disturbed.
 *
 * @param low the lower quartile
 * @param median of the values
 * @param high the upper quartile
 */
record Spread(double low, double median, double high) {
  // Interpolates linearly between values, as NumPy, R and spreadsheets do unless told otherwise.
  private static final Quantile QUARTILES = Quantile.withDefaults().with(EstimationMethod.HF7);

  /**
   * Finds median and quartiles.
   *
   * @param values at least one
   */
  static Spread of(double... values) {
    double[] quartiles = QUARTILES.evaluate(values, 0.25, 0.5, 0.75);
    return new Spread(quartiles[0], quartiles[1], quartiles[2]);
  }

  boolean overlaps(Spread other) {
    return low <= other.high && other.low <= high;
  }
}
