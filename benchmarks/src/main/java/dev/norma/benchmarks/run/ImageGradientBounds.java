package dev.norma.benchmarks.run;

/**
 * Bounds on dx, dgamma and dbeta where sets lie within an image. With g = gamma dy, which is rounded like the other
 * operations of an element, and by set s:
 *
 * <pre>
 *   dx = invStd (g - mean g - xHat mean(g xHat))
 * </pre>
 *
 * <p>The mean of g is off by the rounding of its sum. That of g xHat, perhaps taken as sums of g x and of g mean times
 * invStd, is off by that of these sums, and by the errors of the statistics. The gradients of parameters are sums over
 * the images and positions, of terms with the errors of the statistics of their sets.
 */
final class ImageGradientBounds {
  private final Inputs in;
  private final Roundings roundings;
  private final ImageFormulas formulas;
  private final double few;

  /** By set: mean magnitudes of g and of g xHat, and the errors of their means. */
  private final double[] sizeG;

  private final double[] sizeGXHat;
  private final double[] errorG;
  private final double[] errorGXHat;

  /** By channel: sums of |dy| and |dy xHat|, and errors of the sums of dy and of dy xHat. */
  private final double[] sizeDy;

  private final double[] sizeDyXHat;
  private final double[] errorDy;
  private final double[] errorDyXHat;

  ImageGradientBounds(Inputs in, Roundings roundings, ImageFormulas formulas) {
    this.in = in;
    this.roundings = roundings;
    this.formulas = formulas;
    few = roundings.ofElement();
    int sets = in.sets().count();
    sizeG = new double[sets];
    sizeGXHat = new double[sets];
    errorG = new double[sets];
    errorGXHat = new double[sets];
    int channels = Math.toIntExact(in.x.channels());
    sizeDy = new double[channels];
    sizeDyXHat = new double[channels];
    errorDy = new double[channels];
    errorDyXHat = new double[channels];
    sumSets();
    sumChannels();
  }

  /** |x| + |mean|, in units of the deviation: what |xHat| is the difference of. */
  private double distance(long i, int set) {
    return (Math.abs(in.x.get(i)) + Math.abs(roundings.sums().mean[set])) * roundings.invStd(set);
  }

  private void sumSets() {
    var sums = in.sumsOfSets(3, (terms, i, c) -> {
      double g = Math.abs(formulas.g(i, c));
      terms[0] += g;
      terms[1] += g * Math.abs(formulas.xHat(i, c));
      terms[2] += g * distance(i, in.sets().of(i, c));
    });
    double values = in.sets().values();
    boolean hasMean = in.operation().hasMean();
    for (int set = 0; set < sums.length; set++) {
      sizeG[set] = hasMean ? sums[set][0] / values : 0;
      sizeGXHat[set] = sums[set][1] / values;
      errorG[set] = roundings.ofSum() * sizeG[set];
      errorGXHat[set] = roundings.ofSum() * sums[set][2] / values
          + roundings.invStd(set) * roundings.meanError(set) * Math.abs(formulas.meanG(set))
          + roundings.invStdError(set) * Math.abs(formulas.meanGXHat(set));
    }
  }

  private void sumChannels() {
    var sums = Rows.of(in.x).sums(4, (terms, i, c) -> {
      int set = in.sets().of(i, c);
      double dy = Math.abs(in.dy.get(i));
      double xHat = Math.abs(formulas.xHat(i, c));
      terms[0] += dy;
      terms[1] += dy * xHat;
      terms[2] += dy * distance(i, set);
      terms[3] += dy * (roundings.invStd(set) * roundings.meanError(set) + xHat * roundings.invStdError(set));
    });
    double ofSum = roundings.ofSum(in.x.batch() * in.x.spatial());
    for (int c = 0; c < sums.length; c++) {
      sizeDy[c] = sums[c][0];
      sizeDyXHat[c] = sums[c][1];
      errorDy[c] = ofSum * sizeDy[c];
      errorDyXHat[c] = ofSum * sums[c][2] + sums[c][3];
    }
  }

  Bounds ofBeta() {
    return ofParameters(errorDy, sizeDy);
  }

  Bounds ofGamma() {
    return ofParameters(errorDyXHat, sizeDyXHat);
  }

  private static Bounds ofParameters(double[] error, double[] size) {
    return new Bounds() {
      @Override
      public double tolerance(long i, int c, double expected) {
        return error[c];
      }

      @Override
      public double scale(long i, int c, double expected) {
        return size[c];
      }
    };
  }

  /** Stored are both, the computed and the expected dx. */
  Bounds ofX() {
    return new Bounds() {
      @Override
      public double tolerance(long i, int c, double dx) {
        int set = in.sets().of(i, c);
        double xHat = Math.abs(formulas.xHat(i, c));
        double slope = Math.abs(formulas.meanGXHat(set));
        double terms = few * (Math.abs(formulas.g(i, c)) + Math.abs(formulas.meanG(set)) + distance(i, set) * slope)
            + errorG[set]
            + xHat * errorGXHat[set]
            + (roundings.invStd(set) * roundings.meanError(set) + xHat * roundings.invStdError(set)) * slope;
        return roundings.invStd(set) * terms
            + Math.abs(dx) * roundings.invStdError(set)
            + 2 * roundings.stored(dx);
      }

      @Override
      public double scale(long i, int c, double dx) {
        int set = in.sets().of(i, c);
        double ofMeans = Math.max(sizeG[set], Math.abs(formulas.xHat(i, c)) * sizeGXHat[set]);
        return roundings.invStd(set) * Math.max(Math.abs(formulas.g(i, c)), ofMeans);
      }
    };
  }
}
