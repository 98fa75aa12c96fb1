package dev.norma;

/**
 * How far rounding can take the native kernels from the reference.
 *
 * <p>Let u be the unit roundoff of the type in which the native kernels compute, which is that of the parameters: 2^-53
 * for double, 2^-24 for all others. Let v = 2^-53 be that of double, in which they merge.
 *
 * <p><b>Sums.</b> A chunk of a channel is summed in the computing type, in lanes of L = 128 terms, and a sum of L terms
 * is off by at most (L - 1) u of the sum of their magnitudes: {@link #SUM}. That takes roundings that all point the
 * same way; at random they come to a 30th of it, and where a channel has several lanes or chunks, theirs cancel as
 * well.
 *
 * <p><b>Moments.</b> The terms x - shift have the size of sigma, since the shift lies near the mean; so the mean is off
 * by SUM u sigma. The variance is a sum of squares, which are all of one sign, and may begin with a large one to which
 * the others are added: it is off by SUM u of the sum about the shift.
 *
 * <p><b>Elements.</b> y and dx are a few operations on each element, each of which adds one u of its result.
 * {@link #ELEMENT} counts them, with the rounding of what is stored. The mean is split into a center of the computing
 * type and a rest; the rest, times the scale, is a term of its own. What they are made from (the moments of the batch
 * for y, the sums over it for dx) is compared by itself, and taken as the native kernels gave it: an error there does
 * not widen the bounds here.
 *
 * <p><b>16 bits.</b> An element of 16 bits is rounded once more when it is stored, by half of its unit in the last
 * place: 2^-8 of a bfloat16; 2^-11 of a float16, 2^-25 where that is subnormal, to infinity from 65520 on. The
 * reference rounds as well: two results that are nearly the same may become neighbours, a whole unit apart.
 *
 * <p><b>ReLU.</b> Two values of max(0, z) are no further apart than those of z. The gradients depend on whether z > 0;
 * where z is within its error of 0, dy may pass or not, and the sums over a channel may lack all these terms or have
 * them.
 *
 * <p><b>Slices.</b> Where parameters differ within what is normalized together, xHat is rounded by itself before gamma
 * and beta are applied, and dy is multiplied by gamma before it is summed: {@link #TERM} counts the roundings of a term.
 * The inverse deviation is compared by itself. As a power -1/2 of the variance it is off by half of its relative error,
 * and by the roundings of a sum, a root and a quotient in double.
 *
 * <p>A relative error of 1e-5 = 168 u is beyond all of these for float, unless cancellation makes a result much smaller
 * than what it is made from.
 */
final class Tolerances {
  /** Units of u of the sum of magnitudes of a sum's terms. */
  private static final double SUM = 128;

  /** The same where the merge is no more precise than the sums: its additions and moves of the shift count too. */
  private static final double SUM_AND_MERGE = 8 * SUM;

  /** How much larger squares about a shift half a sigma off the mean are than those about the mean. */
  private static final double OFF_CENTER = 1.25;

  /** Roundings between the inputs of an element's last step and its stored value. */
  private static final double ELEMENT = 8;

  /** Roundings of a term of a sum: the difference from the center, its product with the scale, that with a gradient. */
  private static final double TERM = 3;

  private static final double DOUBLE_ROUNDOFF = 0x1p-53;

  private final DataType element;
  private final DataType real;
  private final double epsilon;
  private final double roundoff;
  private final double sumError;

  /** For tensors of such elements, with their parameters; epsilon is that of the normalization. */
  Tolerances(DataType element, double epsilon) {
    this.element = element;
    this.real = element.parameterType();
    this.epsilon = epsilon;
    this.roundoff = real.epsilon() / 2;
    this.sumError = (real == DataType.FLOAT32 ? SUM : SUM_AND_MERGE) * roundoff;
  }

  /** The error of the mean of a batch, and of its representation in double. */
  double mean(Moments moments) {
    return sumError * Math.sqrt(moments.variance()) + 2 * DOUBLE_ROUNDOFF * Math.abs(moments.mean());
  }

  /** The error of the variance of a batch, whose squares may be subnormal where an epsilon makes up for it. */
  double variance(Moments moments) {
    return OFF_CENTER * sumError * moments.variance() + (epsilon == 0 ? 0 : smallest());
  }

  /**
   * The error of z = gamma * xHat + beta + residual by given moments, before it is stored. With
   * d = x - mean = (x - center) - rest: the difference, its product with the scale, and the sums are rounded, and so
   * are scale and offset = beta - rest * scale.
   */
  double normalized(Moments moments, double gamma, double beta, double d, double residual) {
    return normalized(Standardization.of(moments, epsilon), gamma, beta, d, residual);
  }

  private double normalized(Standardization by, double gamma, double beta, double d, double residual) {
    var scale = Math.abs(gamma) * by.invStd();
    var terms = scale * (Math.abs(d) + rest(by)) + Math.abs(beta) + Math.abs(residual);
    return ELEMENT * roundoff * terms + smallest();
  }

  /** The error of y = gamma * xHat + beta where xHat is rounded by itself, before it is stored. */
  double scaled(Standardization by, double gamma, double beta, double d) {
    return normalized(by, gamma, beta, d, 0) + Math.abs(gamma) * smallest();
  }

  /** The error of the inverse deviation by statistics of which the variance is off. */
  double invStd(Moments moments) {
    var invStd = moments.invStd(epsilon);
    var relative = variance(moments) / (moments.variance() + epsilon) / 2;
    return invStd == 0 ? 0 : invStd * (relative + 4 * DOUBLE_ROUNDOFF);
  }

  /** The error of the sum of dy, from the magnitudes of the terms. */
  double sumDy(GradientSums magnitudes) {
    return sumError * magnitudes.dy();
  }

  /**
   * The error of the sum of dy * xHat, from the magnitudes of the terms. They are summed as dy * (x - center), whose
   * products may be subnormal; the rest of the mean, times the sum of dy, comes on top.
   */
  double sumDyXHat(Moments moments, GradientSums magnitudes, long count) {
    var by = Standardization.of(moments, epsilon);
    return sumError * (magnitudes.dyXHat() + magnitudes.dy() * reachOfRest(by)) + count * real.ulp(0) * by.invStd();
  }

  /** The errors of the sums of g = gamma * dy and of g * xHat over a slice, from the magnitudes of their terms. */
  GradientSums sumsOfSlice(Standardization by, GradientSums magnitudes, long count) {
    var error = sumError + TERM * roundoff;
    var subnormal = count * real.ulp(0);
    return new GradientSums(
        magnitudes.dy() == 0 ? 0 : error * magnitudes.dy() + subnormal,
        error * (magnitudes.dyXHat() + magnitudes.dy() * reachOfRest(by)) + subnormal * (1 + by.invStd()));
  }

  /** What a term dy * xHat adds to the error of a sum over slices; the product may be subnormal, and so may xHat. */
  double termOfGamma(Standardization by, double dy, double xHat) {
    var reach = Math.abs(xHat) + reachOfRest(by);
    return (sumError + TERM * roundoff) * Math.abs(dy) * reach + real.ulp(0) * (1 + Math.abs(dy) + by.invStd());
  }

  /** What a term dy adds to the error of a sum over slices. */
  double termOfBeta(double dy) {
    return sumError * Math.abs(dy);
  }

  /**
   * The error of dx from the means of dy and of dy * xHat, and from their errors. The terms are dy, the mean of dy,
   * xHat times the mean of dy * xHat, and the part of the latter that belongs to the rest of the mean.
   */
  double gradient(
      Moments moments, double gamma, double dy, double xHat, GradientSums means, GradientSums errors) {
    return Math.abs(gamma) * gradient(Standardization.of(moments, epsilon), dy, xHat, means, errors) + smallest();
  }

  /** The same without gamma, which for slices is a part of dy. */
  double gradient(Standardization by, double dy, double xHat, GradientSums means, GradientSums errors) {
    var reach = Math.abs(xHat) + reachOfRest(by);
    var terms = Math.abs(dy) + Math.abs(means.dy()) + reach * Math.abs(means.dyXHat());
    var error = ELEMENT * roundoff * terms + smallest() + errors.dy() + reach * errors.dyXHat();
    return by.invStd() * error + smallest();
  }

  /** The error of dx = gamma * invStd * dy. */
  double scaledGradient(double dx) {
    return ELEMENT * roundoff * Math.abs(dx) + smallest();
  }

  /** The error of an element, once stored, from that of the result that is stored. */
  double stored(double error, double result) {
    var most = Math.min(Math.abs(result) + error, element.largest());
    return element == real ? error : error + element.ulp(most);
  }

  /** The error of a folded weight, which is computed in double and rounded once, to the type of elements. */
  double foldedWeight(double weight) {
    var size = Math.abs(weight);
    return ELEMENT * DOUBLE_ROUNDOFF * size + element.ulp(Math.min(size, element.largest()));
  }

  /** The error of a parameter that is computed in double from terms of such magnitude in all, and rounded once. */
  double roundedOnce(double magnitudes) {
    return ELEMENT * DOUBLE_ROUNDOFF * magnitudes + parameter(magnitudes);
  }

  /** The error of a sum of so many doubles. */
  static double sumOfDoubles(long terms, double magnitudes) {
    return (terms + ELEMENT) * DOUBLE_ROUNDOFF * magnitudes;
  }

  /** The distance of neighbouring parameters, to which two values that are nearly the same may be rounded. */
  double parameter(double value) {
    return real.ulp(value);
  }

  /** What splitting the mean into a number of the computing type and a rest leaves as the rest. */
  private double rest(Standardization by) {
    var rest = Math.abs(by.mean() - real.round(by.mean())) + Math.abs(by.meanRest());
    return Double.isFinite(rest) ? rest : 0;
  }

  /** The same as a part of xHat. */
  private double reachOfRest(Standardization by) {
    return rest(by) * by.invStd();
  }

  /** Results this small are a few steps of the smallest subnormal apart. */
  private double smallest() {
    return ELEMENT * real.ulp(0);
  }
}
