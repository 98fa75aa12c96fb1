package dev.norma.benchmarks.run;

/** Bounds on y by given moments, whose errors come with them. All arrays are by set. */
final class OutputBounds implements Bounds {
  private final Inputs in;
  private final Roundings roundings;
  private final boolean isTraining;
  private final double[] mean;
  private final double[] invStd;
  private final double[] meanError;
  private final double[] invStdError;

  /** By the statistics of the sets. */
  static OutputBounds ofTraining(Inputs in, Roundings roundings) {
    var bounds = new OutputBounds(in, roundings, true);
    for (int set = 0; set < bounds.mean.length; set++) {
      bounds.mean[set] = roundings.sums().mean[set];
      bounds.invStd[set] = roundings.invStd(set);
      bounds.meanError[set] = roundings.meanError(set);
      bounds.invStdError[set] = roundings.invStdError(set);
    }
    return bounds;
  }

  /** By running statistics, which have no errors. */
  static OutputBounds ofInference(Inputs in, Roundings roundings) {
    var bounds = new OutputBounds(in, roundings, false);
    for (int c = 0; c < bounds.mean.length; c++) {
      bounds.mean[c] = in.runningMean.get(c);
      bounds.invStd[c] = 1 / Math.sqrt(in.runningVar.get(c) + Inputs.EPSILON);
    }
    return bounds;
  }

  private OutputBounds(Inputs in, Roundings roundings, boolean isTraining) {
    this.in = in;
    this.roundings = roundings;
    this.isTraining = isTraining;
    int sets = in.sets().count();
    mean = new double[sets];
    invStd = new double[sets];
    meanError = new double[sets];
    invStdError = new double[sets];
  }

  private double beta(int c) {
    return in.operation().hasMean() ? in.beta.get(c) : 0;
  }

  private double deviation(long i, int c) {
    int set = in.sets().of(i, c);
    return in.gamma.get(c) * invStd[set] * (in.x.get(i) - mean[set]);
  }

  private double normalized(long i, int c) {
    return deviation(i, c) + beta(c);
  }

  /** What ReLU is taken of, where there is one. */
  double z(long i, int c) {
    return normalized(i, c) + in.residual(i);
  }

  /**
   * z = gamma (x - mean) invStd + beta + residual, the first two perhaps as x a + b with a = gamma invStd and
   * b = beta - mean a. With d = gamma (x - mean) invStd its error is
   *
   * <pre>
   *   |gamma| invStd meanError + |d| invStdError + few u (|d| + |beta| + |gamma| invStd (|x| + |mean|) + |residual|)
   * </pre>
   *
   * <p>Who adds the residual in a step of its own may store what it is added to.
   */
  double errorOfZ(long i, int c) {
    int set = in.sets().of(i, c);
    double scale = Math.abs(in.gamma.get(c)) * invStd[set];
    double d = Math.abs(deviation(i, c));
    double terms = d
        + Math.abs(beta(c))
        + scale * (Math.abs(in.x.get(i)) + Math.abs(mean[set]))
        + Math.abs(in.residual(i));
    return scale * meanError[set]
        + d * invStdError[set]
        + roundings.ofElement() * terms
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
    double ofParameters = Math.max(Math.abs(beta(c)), isTraining ? Math.abs(in.gamma.get(c)) : 0);
    return Math.max(ofParameters, Math.max(ofSum, ofProduct));
  }
}
