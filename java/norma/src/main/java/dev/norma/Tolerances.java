package dev.norma;

/**
 * How far rounding can take the native kernels from the reference.
 *
 * <p>Let u be the unit roundoff of the data type (2^-24 or 2^-53), in which the native kernels compute, and v = 2^-53 that
 * of double, in which they merge.
 *
 * <p><b>Sums.</b> A chunk of a channel is summed in the data type, in lanes of up to L = 128 terms, about a shift that lies
 * at most 2 sigma from the mean. After k terms of size t a lane holds up to k t, and the next addition is off by up to
 * u k t, at random: by u t sqrt(L^3 / 9) in all, u sqrt(L) / 3 = 4 u of the sum of the terms' magnitudes. {@link #SUM} is
 * eight times as much. It would take errors that all point the same way, 11 times the 4 u, to pass it; the lanes and
 * chunks of a large channel, whose errors cancel, stay far below. Sums of products add one rounding per term.
 *
 * <p><b>Moments.</b> The terms x - shift have a root mean square of at most sqrt(1 + 2^2) sigma when the shift is off by
 * all that is allowed, in general hardly more than sigma; so the mean is off by SUM u sigma. The variance is a sum of
 * squares: its relative error is 2 SUM u, for the two factors of a square.
 *
 * <p><b>Elements.</b> y and dx are a few operations on each element; each operation adds one u of its result.
 * {@link #ELEMENT} counts them, with the rounding of what is stored. The mean is split into a center of the data type and a
 * rest; the rest, times the scale, is a term of its own.
 *
 * <p>A difference of 1e-5 of |gamma| is beyond these bounds for float: 1e-5 = 168 u, where the bound for y, the largest, is
 * about 2 SUM + 2 ELEMENT = 80 u.
 */
final class Tolerances {
  /** Units of u times the sum of magnitudes of a sum's terms. */
  private static final double SUM = 32;

  /** Roundings between the inputs of an element's last step and its stored value. */
  private static final double ELEMENT = 8;

  private static final double DOUBLE_ROUNDOFF = 0x1p-53;

  private final DataType type;
  private final double epsilon;
  private final double roundoff;

  Tolerances(DataType type, double epsilon) {
    this.type = type;
    this.epsilon = epsilon;
    this.roundoff = type.epsilon() / 2;
  }

  /** The error of the mean of a batch, and of its representation in double. */
  double mean(Moments moments) {
    return SUM * roundoff * Math.sqrt(moments.variance()) + 2 * DOUBLE_ROUNDOFF * Math.abs(moments.mean());
  }

  /** The error of the variance of a batch, whose squares may be subnormal where an epsilon makes up for it. */
  double variance(Moments moments) {
    return 2 * SUM * roundoff * moments.variance() + (epsilon == 0 ? 0 : smallest());
  }

  /**
   * The error of y by given moments. With d = x - mean = (x - center) - rest: the difference, its product with the scale,
   * and the sum are rounded, and so are scale and offset = beta - rest * scale.
   */
  double normalized(Moments moments, double gamma, double beta, double y) {
    var scale = Math.abs(gamma) * moments.invStd(epsilon);
    return ELEMENT * roundoff * (Math.abs(y - beta) + Math.abs(beta) + scale * rest(moments)) + smallest();
  }

  /**
   * The error of y by the moments of the batch itself: that of the mean shifts y, that of the variance scales it.
   * A relative error r of the variance is one of r / 2 of the inverse standard deviation, less beside an epsilon.
   */
  double normalizedByBatch(Moments moments, double gamma, double beta, double y) {
    var scale = Math.abs(gamma) * moments.invStd(epsilon);
    var sum = moments.variance() + epsilon;
    var relative = sum == 0 ? 0 : variance(moments) / sum / 2;
    return normalized(moments, gamma, beta, y) + scale * mean(moments) + Math.abs(y - beta) * relative;
  }

  /** The error of the sum of dy, from the magnitudes of the terms. */
  double sumDy(GradientSums magnitudes) {
    return SUM * roundoff * magnitudes.dy();
  }

  /**
   * The error of the sum of dy * xHat, from the magnitudes of the terms. They are summed as dy * (x - center), whose
   * products may be subnormal; the rest of the mean, times the sum of dy, comes on top.
   */
  double sumDyXHat(Moments moments, GradientSums magnitudes, long count) {
    var invStd = moments.invStd(epsilon);
    return SUM * roundoff * (magnitudes.dyXHat() + magnitudes.dy() * rest(moments) * invStd)
        + count * type.ulp(0) * invStd;
  }

  /**
   * The error of dx, from those of the sums and of the terms: dy, the mean of dy, xHat times the mean of dy * xHat, and
   * the part of the latter that belongs to the rest of the mean.
   */
  double gradient(
      Moments moments, double gamma, double dy, double xHat, GradientSums means, GradientSums errors) {
    var invStd = moments.invStd(epsilon);
    var reach = Math.abs(xHat) + rest(moments) * invStd;
    var terms = Math.abs(dy) + Math.abs(means.dy()) + reach * Math.abs(means.dyXHat());
    var error = ELEMENT * roundoff * terms + smallest() + errors.dy() + reach * errors.dyXHat();
    return Math.abs(gamma) * invStd * error + smallest();
  }

  /** The error of gamma * invStd * dy. */
  double scaledGradient(double dx) {
    return ELEMENT * roundoff * Math.abs(dx) + smallest();
  }

  /** The error of a value that is computed in double from terms of such magnitude in all, and rounded once. */
  double roundedOnce(double magnitudes) {
    return ELEMENT * DOUBLE_ROUNDOFF * magnitudes + stored(magnitudes);
  }

  /** The error of a sum of so many doubles. */
  static double sumOfDoubles(long terms, double magnitudes) {
    return (terms + ELEMENT) * DOUBLE_ROUNDOFF * magnitudes;
  }

  /** The distance of neighbours, to which two values that are nearly the same may be rounded. */
  double stored(double value) {
    return type.ulp(value);
  }

  /** What splitting the mean into a number of the data type and a rest leaves as the rest. */
  private double rest(Moments moments) {
    var rest = Math.abs(moments.mean() - type.round(moments.mean())) + Math.abs(moments.meanRest());
    return Double.isFinite(rest) ? rest : 0;
  }

  /** Results this small are a few steps of the smallest subnormal apart. */
  private double smallest() {
    return ELEMENT * type.ulp(0);
  }
}
