package dev.norma.benchmarks.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Against the same formulas in 60 digits. */
class ExactSetTest {
  private static final MathContext DIGITS = new MathContext(60);
  private static final double EPSILON = 1e-5;

  private final double[] x = new SplittableRandom(7).doubles(50, 1e7, 1e7 + 3).toArray();
  private final double[] dy = new SplittableRandom(8).doubles(50, -1, 1).toArray();
  private final double[] gamma = new SplittableRandom(9).doubles(50, 0.5, 1.5).toArray();
  private final double[] beta = new SplittableRandom(10).doubles(50, -1, 1).toArray();

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

  private BigDecimal invStd(BigDecimal[] d) {
    return BigDecimal.ONE.divide(mean(times(d, d)).add(big(EPSILON)).sqrt(DIGITS), DIGITS);
  }

  /** From the mean, or where there is none the values. */
  private BigDecimal[] deviations(boolean hasMean) {
    var d = big(x);
    var mean = hasMean ? mean(d) : BigDecimal.ZERO;
    for (int i = 0; i < d.length; i++) {
      d[i] = d[i].subtract(mean);
    }
    return d;
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void yIsTheNearestDouble(boolean hasMean) {
    var y = new ExactSet(x, gamma, EPSILON, hasMean).y(beta);

    var d = deviations(hasMean);
    for (int i = 0; i < y.length; i++) {
      var exact = d[i].multiply(invStd(d)).multiply(big(gamma[i])).add(big(hasMean ? beta[i] : 0));
      assertThat(y[i]).isEqualTo(exact.doubleValue());
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void dxIsTheNearestDouble(boolean hasMean) {
    var dx = new ExactSet(x, gamma, EPSILON, hasMean).dx(dy);

    var d = deviations(hasMean);
    var g = times(big(dy), big(gamma));
    var meanG = hasMean ? mean(g) : BigDecimal.ZERO;
    var slope = mean(times(g, d)).multiply(invStd(d)).multiply(invStd(d));
    for (int i = 0; i < dx.length; i++) {
      var exact = g[i].subtract(meanG).subtract(d[i].multiply(slope)).multiply(invStd(d));
      assertThat(dx[i]).isEqualTo(exact.doubleValue());
    }
  }
}
