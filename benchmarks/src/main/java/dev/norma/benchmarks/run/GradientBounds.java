package dev.norma.benchmarks.run;

import dev.norma.Tensor;

/** Bounds on dx, dresidual, dgamma and dbeta by the statistics of the batch. All arrays are by channel. */
final class GradientBounds {
  private final Inputs in;
  private final Roundings roundings;
  private final PassedGradient passed;
  private final double[] mean;
  private final GradientSums sums;
  private final double[] dbeta;
  private final double[] dgamma;

  /** {@code dgamma} and {@code dbeta} are as expected. */
  GradientBounds(Inputs in, Roundings roundings, Tensor dgamma, Tensor dbeta) {
    this.in = in;
    this.roundings = roundings;
    passed = new PassedGradient(in, OutputBounds.ofTraining(in, roundings));
    mean = roundings.sums().mean;
    sums = new GradientSums(in, mean, passed);
    this.dbeta = dbeta.toDoubles();
    this.dgamma = dgamma.toDoubles();
  }

  /** A sum of dy. */
  private double betaError(int c) {
    return roundings.ofSum() * sums.dy[c];
  }

  /** A sum of dy (x - mean), perhaps taken as one of dy x and one of dy mean, times invStd. */
  private double gammaError(int c) {
    double invStd = roundings.invStd(c);
    return roundings.ofSum() * invStd * sums.dyX[c]
        + invStd * roundings.meanError(c) * Math.abs(dbeta[c])
        + roundings.invStdError(c) * Math.abs(dgamma[c]);
  }

  private double gammaDoubt(int c) {
    return roundings.invStd(c) * sums.doubtDeviation[c];
  }

  Bounds ofBeta() {
    return new Bounds() {
      @Override
      public double tolerance(long i, int c, double expected) {
        return betaError(c);
      }

      @Override
      public double doubt(long i, int c) {
        return sums.doubt[c];
      }

      @Override
      public double scale(long i, int c, double expected) {
        return sums.dy[c];
      }
    };
  }

  Bounds ofGamma() {
    return new Bounds() {
      @Override
      public double tolerance(long i, int c, double expected) {
        return gammaError(c);
      }

      @Override
      public double doubt(long i, int c) {
        return gammaDoubt(c);
      }

      @Override
      public double scale(long i, int c, double expected) {
        return roundings.invStd(c) * sums.dyDeviation[c];
      }
    };
  }

  /** dresidual is dy or 0, and nothing is rounded. */
  Bounds ofResidual() {
    return new Bounds() {
      @Override
      public double tolerance(long i, int c, double expected) {
        return 0;
      }

      @Override
      public double doubt(long i, int c) {
        return passed.doubt(i, c);
      }

      @Override
      public double scale(long i, int c, double expected) {
        return in.dy.get(i);
      }
    };
  }

  /**
   * dx = gamma invStd (dy - dbeta / M - xHat dgamma / M), perhaps as dy a + x b + d. With q = |dgamma| / M:
   *
   * <pre>
   *   |gamma| invStd (few u (|dy| + |dbeta| / M + (|x| + |mean|) invStd q)
   *       + dbetaError / M + |xHat| dgammaError / M + (invStd meanError + |xHat| invStdError) q) + |dx| invStdError
   * </pre>
   */
  Bounds ofX() {
    return new InputGradientBounds();
  }

  private final class InputGradientBounds implements Bounds {
    private final double few = roundings.ofElement();
    private final double[] scale = new double[dbeta.length];
    private final double[] constant = new double[dbeta.length];
    private final double[] perX = new double[dbeta.length];
    private final double[] perXHat = new double[dbeta.length];
    private final double[] meanDy = new double[dbeta.length];
    private final double[] meanDyXHat = new double[dbeta.length];
    private final double[] meanDoubt = new double[dbeta.length];
    private final double[] meanDoubtXHat = new double[dbeta.length];

    InputGradientBounds() {
      double count = roundings.count();
      for (int c = 0; c < scale.length; c++) {
        double invStd = roundings.invStd(c);
        double q = Math.abs(dgamma[c]) / count;
        scale[c] = Math.abs(in.gamma.get(c)) * invStd;
        constant[c] = few * (Math.abs(dbeta[c]) / count + Math.abs(mean[c]) * invStd * q)
            + betaError(c) / count
            + invStd * roundings.meanError(c) * q;
        perX[c] = few * invStd * q;
        perXHat[c] = gammaError(c) / count + roundings.invStdError(c) * q;
        meanDy[c] = sums.dy[c] / count;
        meanDyXHat[c] = invStd * sums.dyDeviation[c] / count;
        meanDoubt[c] = sums.doubt[c] / count;
        meanDoubtXHat[c] = gammaDoubt(c) / count;
      }
    }

    private double xHat(long i, int c) {
      return Math.abs(in.x.get(i) - mean[c]) * roundings.invStd(c);
    }

    /** Stored are both, the computed and the expected dx. */
    @Override
    public double tolerance(long i, int c, double dx) {
      double terms = few * passed.most(i, c)
          + constant[c]
          + perX[c] * Math.abs(in.x.get(i))
          + perXHat[c] * xHat(i, c);
      return scale[c] * terms
          + Math.abs(dx) * roundings.invStdError(c)
          + 2 * roundings.stored(Math.abs(dx) + doubt(i, c));
    }

    @Override
    public double doubt(long i, int c) {
      return scale[c] * (passed.doubt(i, c) + meanDoubt[c] + xHat(i, c) * meanDoubtXHat[c]);
    }

    @Override
    public double scale(long i, int c, double dx) {
      return scale[c] * Math.max(passed.most(i, c), Math.max(meanDy[c], xHat(i, c) * meanDyXHat[c]));
    }
  }
}
