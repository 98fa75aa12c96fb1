package dev.norma.benchmarks.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Against the same formulas in 60 digits. */
class ExactChannelTest {
  private static final MathContext DIGITS = new MathContext(60);
  private static final double EPSILON = 1e-5;
  private static final double GAMMA = 0.7;
  private static final double BETA = -0.3;

  private final double[] x = new SplittableRandom(7).doubles(50, 1e7, 1e7 + 3).toArray();
  private final double[] dy = new SplittableRandom(8).doubles(50, -1, 1).toArray();

  private static BigDecimal big(double value) {
    return new BigDecimal(value);
  }

  private static BigDecimal mean(BigDecimal[] values) {
    var sum = BigDecimal.ZERO;
    for (var value : values) {
      sum = sum.add(value);
    }
    return sum.divide(big(values.length), DIGITS);
  }

  private static BigDecimal[] big(double[] values) {
    var all = new BigDecimal[values.length];
    for (int i = 0; i < all.length; i++) {
      all[i] = big(values[i]);
    }
    return all;
  }

  private static BigDecimal[] times(BigDecimal[] a, BigDecimal[] b) {
    var products = new BigDecimal[a.length];
    for (int i = 0; i < a.length; i++) {
      products[i] = a[i].multiply(b[i]);
    }
    return products;
  }

  private BigDecimal invStd() {
    var d = deviations();
    var spread = mean(times(d, d)).add(big(EPSILON));
    return BigDecimal.ONE.divide(spread.sqrt(DIGITS), DIGITS);
  }

  private BigDecimal[] deviations() {
    var mean = mean(big(x));
    var d = big(x);
    for (int i = 0; i < d.length; i++) {
      d[i] = d[i].subtract(mean);
    }
    return d;
  }

  @Test
  void yIsTheNearestDouble() {
    var y = new ExactChannel(x, GAMMA, EPSILON).y(BETA);

    var d = deviations();
    for (int i = 0; i < y.length; i++) {
      var exact = d[i].multiply(invStd()).multiply(big(GAMMA)).add(big(BETA));
      assertThat(y[i]).isEqualTo(exact.doubleValue());
    }
  }

  @Test
  void dxIsTheNearestDouble() {
    var dx = new ExactChannel(x, GAMMA, EPSILON).dx(dy);

    var d = deviations();
    var g = big(dy);
    var slope = mean(times(g, d)).multiply(invStd()).multiply(invStd());
    for (int i = 0; i < dx.length; i++) {
      var exact = g[i].subtract(mean(g)).subtract(d[i].multiply(slope)).multiply(big(GAMMA)).multiply(invStd());
      assertThat(dx[i]).isEqualTo(exact.doubleValue());
    }
  }
}
