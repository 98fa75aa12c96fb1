package dev.norma.cli;

import dev.norma.DataType;
import dev.norma.Tensor;

/**
 * In what an error is counted: one unit in the last place of the size given here, which is that of the largest number
 * that the formula adds up to the result. A result that is small because large terms cancel cannot be better than this.
 *
 * <pre>
 *   y       max(|y|, |y - beta|, |beta|) by given statistics; by those of the batch, which have errors of their own,
 *           also |gamma|, since the mean is good to a unit of the standard deviation, and |gamma * invStd * mean|,
 *           brought from units of a double, in which the mean is rounded, to those of the type; with ReLU, y stands
 *           for what it had before that without its residual, which counts as well
 *   dx      |gamma * invStd| * max(|dy|, sum of |dy| / M, |xHat| * sum of |dy * xHat| / M)
 *   dgamma  sum of |dy * xHat|
 *   dbeta   sum of |dy|
 *   mean    sum of |x| / M
 *   folded  a weight, and max(|bias|, |mean|) * |gamma * invStd| or |beta| of a bias
 * </pre>
 */
final class ErrorScales {
  private final CheckInputs in;
  private final Tensor dy;
  private final Tensor mean;
  private final double[] invStd;
  private final double[] absoluteX;
  private final double[] absoluteDy;
  private final double[] absoluteDyXHat;

  /** {@code mean} and {@code variance} are what x is normalized by: of the batch, or running ones. */
  ErrorScales(CheckInputs in, Tensor dy, Tensor mean, Tensor variance) {
    this.in = in;
    this.dy = dy;
    this.mean = mean;
    int channels = Math.toIntExact(in.channels());
    invStd = new double[channels];
    absoluteX = new double[channels];
    absoluteDy = new double[channels];
    absoluteDyXHat = new double[channels];
    for (int c = 0; c < channels; c++) {
      double denominator = Math.sqrt(variance.get(c) + in.norm.epsilon());
      invStd[c] = denominator == 0 ? 0 : 1 / denominator;
    }
    addUp();
  }

  private void addUp() {
    for (long i = 0; i < in.x.size(); i++) {
      int c = (int) in.channel(i);
      double gradient = dy.get(i);
      double dyXHat = gradient * xHat(i, c);
      absoluteX[c] += Math.abs(in.x.get(i));
      absoluteDy[c] += Math.abs(gradient);
      absoluteDyXHat[c] += Math.abs(dyXHat);
    }
  }

  private double xHat(long i, int c) {
    return (in.x.get(i) - mean.get(c)) * invStd[c];
  }

  /** y before a residual is added and before ReLU. */
  double normalized(long i) {
    int c = (int) in.channel(i);
    return in.gamma.get(c) * xHat(i, c) + in.beta.get(c);
  }

  double output(long i, double y) {
    double beta = in.beta.get(in.channel(i));
    return Math.max(Math.max(Math.abs(y), Math.abs(y - beta)), Math.abs(beta));
  }

  double outputByBatch(long i, double y) {
    int c = (int) in.channel(i);
    double gamma = Math.abs(in.gamma.get(c));
    double unitsOfDouble = Math.ulp(1.0) / ulpOfOne(in.norm.dataType());
    double ofMean = gamma * invStd[c] * Math.abs(mean.get(c)) * unitsOfDouble;
    return Math.max(output(i, y), Math.max(gamma, ofMean));
  }

  static double ulpOfOne(DataType type) {
    return switch (type) {
      case FLOAT32 -> Math.ulp(1f);
      case FLOAT64 -> Math.ulp(1.0);
      case BFLOAT16 -> 0x1p-7;
      case FLOAT16 -> 0x1p-10;
    };
  }

  double gradient(long i) {
    int c = (int) in.channel(i);
    double values = in.norm.valuesPerChannel();
    double correction = Math.max(absoluteDy[c], Math.abs(xHat(i, c)) * absoluteDyXHat[c]) / values;
    return Math.abs(in.gamma.get(c) * invStd[c]) * Math.max(Math.abs(dy.get(i)), correction);
  }

  double gradientInInference(long i) {
    int c = (int) in.channel(i);
    return Math.abs(in.gamma.get(c) * invStd[c] * dy.get(i));
  }

  /** The largest of what folding adds up to a bias, where beta stands for the bias before, too. */
  double foldedBias(long c) {
    double scale = Math.abs(in.gamma.get(c) * invStd[(int) c]);
    double terms = Math.max(Math.abs(in.beta.get(c)), Math.abs(mean.get(c)));
    return Math.max(scale * terms, Math.abs(in.beta.get(c)));
  }

  double gammaGradient(long c) {
    return absoluteDyXHat[(int) c];
  }

  double betaGradient(long c) {
    return absoluteDy[(int) c];
  }

  double mean(long c) {
    return absoluteX[(int) c] / in.norm.valuesPerChannel();
  }
}
