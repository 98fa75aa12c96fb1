package dev.norma.benchmarks.run;

/** Batch normalization of one channel in {@link DoubleDouble}, by the formulas of Ioffe and Szegedy, arXiv:1502.03167. */
final class ExactChannel {
  private final double[] x;
  private final DoubleDouble count;
  private final DoubleDouble mean;
  private final DoubleDouble invStd;
  private final DoubleDouble gamma;

  ExactChannel(double[] x, double gamma, double epsilon) {
    this.x = x;
    this.gamma = DoubleDouble.of(gamma);
    count = DoubleDouble.of(x.length);
    var sum = DoubleDouble.ZERO;
    for (double value : x) {
      sum = sum.plus(DoubleDouble.of(value));
    }
    mean = sum.dividedBy(count);
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

  double[] y(double beta) {
    var y = new double[x.length];
    for (int i = 0; i < y.length; i++) {
      y[i] = xHat(i).times(gamma).plus(DoubleDouble.of(beta)).high();
    }
    return y;
  }

  double[] dx(double[] dy) {
    var sum = DoubleDouble.ZERO;
    var product = DoubleDouble.ZERO;
    for (int i = 0; i < dy.length; i++) {
      var g = DoubleDouble.of(dy[i]);
      sum = sum.plus(g);
      product = product.plus(g.times(xHat(i)));
    }
    var meanDy = sum.dividedBy(count);
    var meanProduct = product.dividedBy(count);
    var dx = new double[dy.length];
    for (int i = 0; i < dx.length; i++) {
      var rest = DoubleDouble.of(dy[i]).minus(meanDy).minus(xHat(i).times(meanProduct));
      dx[i] = rest.times(gamma).times(invStd).high();
    }
    return dx;
  }
}
