package dev.norma.cli;

import dev.norma.Tensor;
import java.util.function.LongUnaryOperator;

/**
 * In what errors of normalizations of slices are counted, as {@link ErrorScales} for channels: the largest number that
 * the formula adds up. With g = gamma * dy:
 *
 * <pre>
 *   y       max(|y|, |y - beta|, |beta|, |gamma|, |gamma * invStd * mean| in units of a double)
 *   dx      invStd * max(|g|, mean of |g|, |xHat| * mean of |g * xHat|)      means over the slice
 *   dgamma  sum of |dy * xHat|
 *   dbeta   sum of |dy|
 *   mean    mean of |x|
 * </pre>
 */
final class SliceScales {
  private final Tensor x;
  private final Tensor dy;
  private final Tensor gamma;
  private final Tensor beta;
  private final Tensor mean;
  private final Tensor invStd;
  private final LongUnaryOperator sliceOf;
  private final LongUnaryOperator parameterOf;
  private final double[] absoluteX;
  private final double[] absoluteG;
  private final double[] absoluteGXHat;
  private final double[] gammaGradient;
  private final double[] betaGradient;

  /** By the statistics of the slices; the operators say which slice and which parameter an element belongs to. */
  SliceScales(
      Tensor x,
      Tensor dy,
      Tensor gamma,
      Tensor beta,
      Tensor mean,
      Tensor invStd,
      LongUnaryOperator sliceOf,
      LongUnaryOperator parameterOf) {
    this.x = x;
    this.dy = dy;
    this.gamma = gamma;
    this.beta = beta;
    this.mean = mean;
    this.invStd = invStd;
    this.sliceOf = sliceOf;
    this.parameterOf = parameterOf;
    absoluteX = new double[Math.toIntExact(invStd.size())];
    absoluteG = new double[absoluteX.length];
    absoluteGXHat = new double[absoluteX.length];
    gammaGradient = new double[Math.toIntExact(gamma.size())];
    betaGradient = new double[gammaGradient.length];
    addUp();
  }

  private void addUp() {
    for (long i = 0; i < x.size(); i++) {
      int slice = slice(i);
      int parameter = parameter(i);
      double dyXHat = Math.abs(dy.get(i) * xHat(i));
      absoluteX[slice] += Math.abs(x.get(i));
      absoluteG[slice] += Math.abs(g(i));
      absoluteGXHat[slice] += Math.abs(gamma.get(parameter)) * dyXHat;
      gammaGradient[parameter] += dyXHat;
      betaGradient[parameter] += Math.abs(dy.get(i));
    }
  }

  private int slice(long i) {
    return (int) sliceOf.applyAsLong(i);
  }

  private int parameter(long i) {
    return (int) parameterOf.applyAsLong(i);
  }

  private double g(long i) {
    return gamma.get(parameter(i)) * dy.get(i);
  }

  private double xHat(long i) {
    return (x.get(i) - mean.get(slice(i))) * invStd.get(slice(i));
  }

  private double values() {
    return (double) x.size() / absoluteX.length;
  }

  double output(long i, double y) {
    double shift = beta.get(parameter(i));
    double scale = Math.abs(gamma.get(parameter(i)));
    double unitsOfDouble = Math.ulp(1.0) / ErrorScales.ulpOfOne(x.dataType());
    double ofMean = scale * invStd.get(slice(i)) * Math.abs(mean.get(slice(i))) * unitsOfDouble;
    double terms = Math.max(Math.max(Math.abs(y), Math.abs(y - shift)), Math.abs(shift));
    return Math.max(terms, Math.max(scale, ofMean));
  }

  double gradient(long i) {
    int slice = slice(i);
    double correction = Math.max(absoluteG[slice], Math.abs(xHat(i)) * absoluteGXHat[slice]) / values();
    return invStd.get(slice) * Math.max(Math.abs(g(i)), correction);
  }

  double gammaGradient(long parameter) {
    return gammaGradient[(int) parameter];
  }

  double betaGradient(long parameter) {
    return betaGradient[(int) parameter];
  }

  double mean(long slice) {
    return absoluteX[(int) slice] / values();
  }
}
