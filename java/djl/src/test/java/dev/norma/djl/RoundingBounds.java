package dev.norma.djl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.types.DataType;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

/**
 * How far two correct implementations of a layer may lie apart. With u the unit roundoff of the data type, a bound is
 * k * u times the sum of the magnitudes of all terms of the formula, where k counts the roundings that a term takes
 * part in.
 *
 * <p>With a = gamma / sqrt(variance + epsilon):
 *
 * <ul>
 *   <li>y = (x - mean) * a + beta. The engine rounds mean, 1 / sqrt, their product with gamma, mean * a, beta - mean *
 *       a, x * a and the sum: at most 7 roundings of a term. Norma is within 4 units in the last place of the largest
 *       of |y|, |y - beta| and |beta|, which is 8 u. Together 15.
 *   <li>dx = a * (dy - dbeta / M - xHat * dgamma / M). The engine rounds each of the two means, mean, 1 / sqrt twice
 *       in xHat and once outside, and 6 operations; the same for Norma: at most 12 each, together 24. The errors of
 *       the two sums come in addition.
 *   <li>The sums over M values: both add in double, but Norma adds at most 128 values of a chunk in lanes of the data
 *       type. With 6 roundings of each product and of the result in both: (min(M, 128) + 12) * u.
 *   <li>Running statistics: mean, product, product, sum: 4 each, together 8.
 * </ul>
 *
 * <p>All sums that are taken in double, by both, add M * 2^-53 for mean and variance each; in y, half of the latter.
 */
record RoundingBounds(double[] y, double[] dx, double[] dgamma, double[] dbeta, double[] mean, double[] variance) {

  /**
   * The bounds for a sample.
   *
   * @param runningVar the smallest running variance that the pass can use; infinite if it uses that of the sample
   */
  static RoundingBounds of(Sample sample, double epsilon, double runningVar) {
    int channels = sample.channels();
    var bounds =
        new RoundingBounds(
            new double[channels],
            new double[channels],
            new double[channels],
            new double[channels],
            new double[channels],
            new double[channels]);
    IntStream.range(0, channels).forEach(c -> bounds.fill(sample, epsilon, runningVar, c));
    return bounds;
  }

  /** Compares each value with its own bound. */
  static void requireClose(String what, double[] actual, double[] expected, IntFunction<Double> bound) {
    assertThat(actual).as(what).hasSameSizeAs(expected);
    for (int i = 0; i < actual.length; i++) {
      assertThat(actual[i]).as("%s[%d]", what, i).isCloseTo(expected[i], within(bound.apply(i)));
    }
  }

  private void fill(Sample sample, double epsilon, double runningVar, int c) {
    int[] indices = IntStream.range(0, sample.x().length).filter(i -> sample.channel(i) == c).toArray();
    int count = indices.length;
    double center = IntStream.of(indices).mapToDouble(i -> sample.x()[i]).average().orElseThrow();
    double square = IntStream.of(indices).mapToDouble(i -> Math.pow(sample.x()[i] - center, 2)).sum();
    double inverse = 1 / Math.sqrt((Double.isInfinite(runningVar) ? square / count : runningVar) + epsilon);
    double largestX = IntStream.of(indices).mapToDouble(i -> Math.abs(sample.x()[i])).max().orElseThrow();
    double largestDy = IntStream.of(indices).mapToDouble(i -> Math.abs(sample.dy()[i])).max().orElseThrow();
    double sumDy = IntStream.of(indices).mapToDouble(i -> Math.abs(sample.dy()[i])).sum();
    double normalized = (largestX + Math.abs(center)) * inverse;
    double scale = Math.abs(sample.gamma()[c]);

    double unit = sample.type() == DataType.FLOAT32 ? 0x1p-24 : 0x1p-53;
    double sums = 4 * count * 0x1p-53;
    double added = (Math.min(count, 128) + 12) * unit + sums;
    y[c] = (15 * unit + sums) * (scale * normalized + Math.abs(sample.beta()[c]));
    dbeta[c] = added * sumDy;
    dgamma[c] = added * sumDy * normalized;
    dx[c] =
        scale * inverse * (24 * unit + sums + added) * (largestDy + sumDy / count * (1 + normalized * normalized));
    mean[c] = (8 * unit + sums) * largestX;
    variance[c] = (8 * unit + sums) * (1 + square / Math.max(1, count - 1));
  }
}
