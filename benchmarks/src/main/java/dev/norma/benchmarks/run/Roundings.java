package dev.norma.benchmarks.run;

import dev.norma.DataType;

/**
 * How far rounding takes what is computed in the type of the parameters, unit roundoff u = 2^-24 or 2^-53. Statistics
 * are those of a set: of the values that are normalized together.
 *
 * <p><b>Sums.</b> An implementation may add up the M values of a set one after the other, in that
 * type. With rounding errors that are independent and of mean zero, such a sum is off by at most lambda sqrt(M) u
 * of the sum of its terms' magnitudes, but for a probability of 2 M exp(-lambda^2 / 2) (Higham and Mary, A new
 * approach to probabilistic rounding error analysis, SIAM J. Sci. Comput. 41, 2019, theorem 2.4). With lambda = 8 that
 * is below 10^-7 for the longest sums of the sets. It also leaves room for what is not of mean zero: in a long sum of
 * squares the smallest ones vanish, which takes NumPy to 3.7 at M = 401,408 in floats. At M = 1,605,632 it is 14, a
 * thousandth of the variance, and called wrong. The deterministic bound, M u, would let pass what is plainly wrong.
 *
 * <p><b>Elements.</b> Each further operation adds one u of its result at most; {@link #ofElement} counts them.
 *
 * <p><b>Moments.</b> The mean is a sum over M. The variance may be the mean of squares less the square of the mean,
 * whose terms are the squares; as a relative error of 1 / sqrt(variance + epsilon) it counts half.
 *
 * <p><b>Tensors of 16 bits.</b> What is stored in them is rounded once more, with unit roundoff 2^-8 or 2^-11: {@link
 * #stored}. Whatever is stored in the type of the parameters is one of the operations of an element.
 */
final class Roundings {
  private static final double LAMBDA = 8;

  /** The operations between the sums and a stored value, in the longest form of the formulas. */
  private static final double OPERATIONS = 8;

  private final DataType type;
  private final SetSums sums;
  private final double count;
  private final double few;
  private final double[] invStd;
  private final double[] meanError;
  private final double[] invStdError;

  Roundings(DataType type, long count, SetSums sums) {
    this.type = type;
    this.sums = sums;
    this.count = count;
    few = OPERATIONS * (type.parameterType() == DataType.FLOAT32 ? 0x1p-24 : 0x1p-53);
    int sets = sums.mean.length;
    invStd = new double[sets];
    meanError = new double[sets];
    invStdError = new double[sets];
    for (int set = 0; set < sets; set++) {
      double spread = sums.variance[set] + Inputs.EPSILON;
      invStd[set] = 1 / Math.sqrt(spread);
      meanError[set] = ofSum() * sums.x[set] / count;
      invStdError[set] = ofSum() * (sums.squareX[set] / count + sums.mean[set] * sums.mean[set]) / spread / 2;
    }
  }

  SetSums sums() {
    return sums;
  }

  /** M. */
  double count() {
    return count;
  }

  /** The relative error of an element's operations. */
  double ofElement() {
    return few;
  }

  /** The error of storing a value as an element of 16 bits. */
  double stored(double value) {
    return switch (type) {
      case FLOAT32, FLOAT64 -> 0;
      case BFLOAT16 -> 0x1p-8 * Math.abs(value);
      // Half of the least positive number where that is more.
      case FLOAT16 -> Math.max(0x1p-11 * Math.abs(value), 0x1p-25);
    };
  }

  /** The error of a sum over a set, relative to the sum of magnitudes. */
  double ofSum() {
    return ofSum(count);
  }

  /** The same of a sum of so many terms. */
  double ofSum(double terms) {
    return LAMBDA * Math.sqrt(terms) * few / OPERATIONS + few;
  }

  double invStd(int set) {
    return invStd[set];
  }

  double meanError(int set) {
    return meanError[set];
  }

  /** Relative. */
  double invStdError(int set) {
    return invStdError[set];
  }
}
