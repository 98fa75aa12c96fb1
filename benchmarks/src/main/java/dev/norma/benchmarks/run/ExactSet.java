package dev.norma.benchmarks.run;

/**
 * Normalization of the values of one set in {@link DoubleDouble}, by the formulas of Ioffe and Szegedy,
 * arXiv:1502.03167, which hold for any set, and without mean by those of Zhang and Sennrich, arXiv:1910.07467. Each
 * value has the gamma and beta of its channel.
 */
final class ExactSet {
  private final double[] x;
  private final double[] gamma;
  private final boolean hasMean;
  private final DoubleDouble count;
  private final DoubleDouble mean;
  private final DoubleDouble invStd;

  ExactSet(double[] x, double[] gamma, double epsilon, boolean hasMean) {
    this.x = x;
    this.gamma = gamma;
    this.hasMean = hasMean;
    count = DoubleDouble.of(x.length);
    var sum = DoubleDouble.ZERO;
    for (double value : x) {
      sum = sum.plus(DoubleDouble.of(value));
    }
    mean = hasMean ? sum.dividedBy(count) : DoubleDouble.ZERO;
    var squares = DoubleDouble.ZERO;
    for (double value : x) {
      var d = DoubleDouble.of(value).minus(mean);
      squares = squares.plus(d.times(d));
    }
    invStd = DoubleDouble.of(1).dividedBy(squares.dividedBy(count).plus(DoubleDouble.of(epsilon)).squareRoot());
  }

  private DoubleDouble xHat(int i) {
    return DoubleDouble.of(x[i]).minus(mean).times(invStd);
  }

  private DoubleDouble g(double[] dy, int i) {
    return DoubleDouble.of(dy[i]).times(DoubleDouble.of(gamma[i]));
  }

  /** {@code beta} is not read where there is no mean. */
  double[] y(double[] beta) {
    var y = new double[x.length];
    for (int i = 0; i < y.length; i++) {
      y[i] = xHat(i).times(DoubleDouble.of(gamma[i])).plus(DoubleDouble.of(hasMean ? beta[i] : 0)).high();
    }
    return y;
  }

  double[] dx(double[] dy) {
    var sum = DoubleDouble.ZERO;
    var product = DoubleDouble.ZERO;
    for (int i = 0; i < dy.length; i++) {
      var g = g(dy, i);
      sum = sum.plus(g);
      product = product.plus(g.times(xHat(i)));
    }
    var meanG = hasMean ? sum.dividedBy(count) : DoubleDouble.ZERO;
    var meanProduct = product.dividedBy(count);
    var dx = new double[dy.length];
    for (int i = 0; i < dx.length; i++) {
      dx[i] = g(dy, i).minus(meanG).minus(xHat(i).times(meanProduct)).times(invStd).high();
    }
    return dx;
  }
}
