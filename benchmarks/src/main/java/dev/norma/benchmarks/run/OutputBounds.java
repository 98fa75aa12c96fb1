package dev.norma.benchmarks.run;

/** Bounds on y by given moments, whose errors come with them. All arrays are by channel. */
final class OutputBounds implements Bounds {
  private final Inputs in;
  private final Roundings roundings;
  private final double[] mean;
  private final double[] factor;
  private final double[] constant;
  private final double[] perDeviation;
  private final double[] perX;
  private final double[] least;

  /** By the statistics of the batch. */
  static OutputBounds ofTraining(Inputs in, Roundings roundings) {
    var bounds = new OutputBounds(in, roundings);
    var sums = roundings.sums();
    for (int c = 0; c < bounds.constant.length; c++) {
      bounds.setChannel(c, sums.mean[c], roundings.invStd(c), roundings.meanError(c), roundings.invStdError(c));
      bounds.least[c] = Math.max(bounds.least[c], Math.abs(in.gamma.get(c)));
    }
    return bounds;
  }

  /** By running statistics, which have no errors. */
  static OutputBounds ofInference(Inputs in, Roundings roundings) {
    var bounds = new OutputBounds(in, roundings);
    for (int c = 0; c < bounds.constant.length; c++) {
      double invStd = 1 / Math.sqrt(in.runningVar.get(c) + Inputs.EPSILON);
      bounds.setChannel(c, in.runningMean.get(c), invStd, 0, 0);
    }
    return bounds;
  }

  private OutputBounds(Inputs in, Roundings roundings) {
    int channels = Math.toIntExact(in.x.channels());
    this.in = in;
    this.roundings = roundings;
    mean = new double[channels];
    factor = new double[channels];
    constant = new double[channels];
    perDeviation = new double[channels];
    perX = new double[channels];
    least = new double[channels];
  }

  /**
   * z = gamma (x - mean) invStd + beta + residual, the first two perhaps as x a + b with a = gamma invStd and
   * b = beta - mean a. With d = gamma (x - mean) invStd:
   *
   * <pre>
   *   |gamma| invStd meanError + |d| invStdError + few u (|d| + |beta| + |gamma| invStd (|x| + |mean|) + |residual|)
   * </pre>
   */
  private void setChannel(int c, double mean, double invStd, double meanError, double invStdError) {
    double few = roundings.ofElement();
    double scale = Math.abs(in.gamma.get(c)) * invStd;
    double beta = Math.abs(in.beta.get(c));
    this.mean[c] = mean;
    factor[c] = in.gamma.get(c) * invStd;
    constant[c] = scale * meanError + few * (beta + scale * Math.abs(mean));
    perDeviation[c] = invStdError + few;
    perX[c] = few * scale;
    least[c] = beta;
  }

  private double deviation(long i, int c) {
    return factor[c] * (in.x.get(i) - mean[c]);
  }

  private double normalized(long i, int c) {
    return deviation(i, c) + in.beta.get(c);
  }

  /** What ReLU is taken of, where there is one. */
  double z(long i, int c) {
    return normalized(i, c) + in.residual(i);
  }

  /** The error of z; who adds the residual in a step of its own may store what it is added to. */
  double errorOfZ(long i, int c) {
    return constant[c]
        + perDeviation[c] * Math.abs(deviation(i, c))
        + perX[c] * Math.abs(in.x.get(i))
        + roundings.ofElement() * Math.abs(in.residual(i))
        + (in.operation().hasResidual() ? roundings.stored(normalized(i, c)) : 0);
  }

  /** ReLU brings two values no farther apart. Stored are both, the computed and the expected one. */
  @Override
  public double tolerance(long i, int c, double y) {
    return errorOfZ(i, c) + 2 * roundings.stored(z(i, c));
  }

  @Override
  public double scale(long i, int c, double y) {
    double ofSum = Math.max(Math.abs(z(i, c)), Math.abs(in.residual(i)));
    double ofProduct = Math.max(Math.abs(normalized(i, c)), Math.abs(deviation(i, c)));
    return Math.max(least[c], Math.max(ofSum, ofProduct));
  }
}
