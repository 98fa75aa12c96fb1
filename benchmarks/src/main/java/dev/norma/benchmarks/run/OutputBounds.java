package dev.norma.benchmarks.run;

/** Bounds on y by given moments, whose errors come with them. All arrays are by channel. */
final class OutputBounds implements Bounds {
  private final Inputs in;
  private final Roundings roundings;
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
    constant = new double[channels];
    perDeviation = new double[channels];
    perX = new double[channels];
    least = new double[channels];
  }

  /**
   * y = gamma (x - mean) invStd + beta, perhaps as x a + b with a = gamma invStd and b = beta - mean a:
   *
   * <pre>
   *   |gamma| invStd meanError + |y - beta| invStdError + few u (|y - beta| + |beta| + |gamma| invStd (|x| + |mean|))
   * </pre>
   */
  private void setChannel(int c, double mean, double invStd, double meanError, double invStdError) {
    double few = roundings.ofElement();
    double scale = Math.abs(in.gamma.get(c)) * invStd;
    double beta = Math.abs(in.beta.get(c));
    constant[c] = scale * meanError + few * (beta + scale * Math.abs(mean));
    perDeviation[c] = invStdError + few;
    perX[c] = few * scale;
    least[c] = beta;
  }

  @Override
  public double tolerance(long i, int c, double y) {
    return constant[c] + perDeviation[c] * Math.abs(y - in.beta.get(c)) + perX[c] * Math.abs(in.x.get(i));
  }

  @Override
  public double scale(long i, int c, double y) {
    return Math.max(least[c], Math.max(Math.abs(y), Math.abs(y - in.beta.get(c))));
  }
}
