package dev.norma.djl;

import ai.djl.ndarray.types.DataType;
import java.util.stream.IntStream;

/**
 * How far two correct implementations of a normalization of samples may lie apart, counted as in {@link
 * RoundingBounds}. With g = gamma * dy:
 *
 * <ul>
 *   <li>Sums and means over the M values of a sample: both may add in the data type, at worst all one after the other,
 *       with 12 roundings of each term and of the result in both: (2 M + 12) * u of the magnitudes. So much may the
 *       mean be off of the largest value, and twice that, with it, the inverse deviation of itself.
 *   <li>y = xHat * gamma + beta: xHat is off by what the two statistics are, and y by 15 roundings.
 *   <li>dx = invStd * (g - mean of g - xHat * mean of g * xHat): 24 roundings, and the errors of the means.
 *   <li>dgamma and dbeta are sums of P terms, where a term has the error of its xHat: (2 P + 12) * u and that.
 * </ul>
 */
record SampleBounds(double[] y, double[] dx, double[] dgamma, double[] dbeta) {

  static SampleBounds of(Norm norm, Sample sample, double epsilon) {
    int size = sample.x().length;
    int parameters = sample.gamma().length;
    var bounds =
        new SampleBounds(new double[size], new double[size], new double[parameters], new double[parameters]);
    int samples = Math.toIntExact(norm.samples(sample.shape()));
    IntStream.range(0, samples).forEach(i -> bounds.fill(norm, sample, epsilon, i * (size / samples), size / samples));
    return bounds;
  }

  private void fill(Norm norm, Sample sample, double epsilon, int from, int count) {
    double unit = sample.type() == DataType.FLOAT32 ? 0x1p-24 : 0x1p-53;
    double center = norm.hasMean() ? range(from, count).mapToDouble(i -> sample.x()[i]).average().orElseThrow() : 0;
    double square = range(from, count).mapToDouble(i -> Math.pow(sample.x()[i] - center, 2)).sum();
    double inverse = 1 / Math.sqrt(square / count + epsilon);
    double largest = range(from, count).mapToDouble(i -> Math.abs(sample.x()[i])).max().orElseThrow();
    double normalized = (largest + Math.abs(center)) * inverse;
    double sums = (2 * count + 12) * unit;
    double ofXHat = normalized * (3 * sums + 15 * unit);
    double largestG = range(from, count).mapToDouble(i -> Math.abs(g(norm, sample, i))).max().orElseThrow();
    double meanG = range(from, count).mapToDouble(i -> Math.abs(g(norm, sample, i))).average().orElseThrow();
    double share = 1.0 * sample.gamma().length / sample.x().length; // of a term in the bound of its sum
    range(from, count)
        .forEach(
            i -> {
              int p = norm.parameter(sample.shape(), i);
              y[i] = Math.abs(sample.gamma()[p]) * ofXHat + 15 * unit * Math.abs(sample.beta()[p]);
              dx[i] = inverse * (largestG + meanG * (1 + normalized * normalized)) * (24 * unit + 4 * sums);
              double ofSum = (2 / share + 12) * unit * Math.abs(sample.dy()[i]);
              dbeta[p] += ofSum;
              dgamma[p] += ofSum * normalized + Math.abs(sample.dy()[i]) * ofXHat;
            });
  }

  private static IntStream range(int from, int count) {
    return IntStream.range(from, from + count);
  }

  private static double g(Norm norm, Sample sample, int index) {
    return sample.gamma()[norm.parameter(sample.shape(), index)] * sample.dy()[index];
  }
}
