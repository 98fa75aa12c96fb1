package dev.norma;

import static java.lang.foreign.ValueLayout.JAVA_DOUBLE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The oracle itself, against the formulas in 60 digits. */
class ReferenceKernelsTest {
  private static final MathContext DIGITS = new MathContext(60);
  private static final Kernels REFERENCE = Kernels.reference();

  /**
   * The reference computes in double. For other types, what is left is the one rounding of the result, half an ulp of
   * it, and the double error of at most 8 units. For double the same 8 roundings are all there is: difference, square
   * sum, variance, root, quotient, two products and a sum.
   */
  private static double bound(DataType type, double exact, double magnitude) {
    return (type == DataType.FLOAT64 ? 0 : type.ulp(exact) / 2) + 8 * 0x1p-53 * magnitude;
  }

  @ParameterizedTest
  @CsvSource({
    "FLOAT32, 0, 1", "FLOAT32, 1e4, 1", "FLOAT32, 1e7, 1", "FLOAT32, 0, 1e18", "FLOAT32, 1e-39, 1e-40",
    "FLOAT64, 0, 1", "FLOAT64, 1e4, 1", "FLOAT64, 1e7, 1", "FLOAT64, -1e12, 1", "FLOAT64, 0, 1e150",
    "BFLOAT16, 0, 1", "BFLOAT16, 100, 1", "BFLOAT16, 0, 1e18", "BFLOAT16, 1e-35, 1e-36",
    "FLOAT16, 0, 1", "FLOAT16, 1000, 1", "FLOAT16, 0, 1e4", "FLOAT16, 0.01, 0.01"
  })
  void forwardAndBackwardAreTheFormulas(DataType type, double mean, double deviation) {
    var norm = new BatchNormDescriptor(5, 3, 7, 0, type, Layout.CHANNELS_FIRST, 0);
    try (var problem = Problem.random(norm, 7, mean, deviation)) {
      problem.forward(REFERENCE);
      problem.backward(REFERENCE);
      for (var c = 0L; c < norm.channels(); c++) {
        new Exact(problem, c).requireForward();
        new Exact(problem, c).requireBackward();
      }
      problem.reluForward(REFERENCE, problem.residual);
      for (var c = 0L; c < norm.channels(); c++) {
        new Exact(problem, c).requireRelu();
      }
    }
  }

  /** One channel in 60 digits. */
  private static final class Exact {
    private final Problem problem;
    private final long c;
    private final ArrayList<Long> indices = new ArrayList<>();
    private final BigDecimal count;

    Exact(Problem problem, long c) {
      this.problem = problem;
      this.c = c;
      problem.norm.forEachOf(c, indices::add);
      count = BigDecimal.valueOf(indices.size());
    }

    private BigDecimal value(MemorySegment segment, long index) {
      return new BigDecimal(problem.get(segment, index));
    }

    private BigDecimal mean() {
      return sum(problem.x).divide(count, DIGITS);
    }

    private BigDecimal sum(MemorySegment tensor) {
      return indices.stream().map(i -> value(tensor, i)).reduce(BigDecimal.ZERO, BigDecimal::add);
    }

    private BigDecimal variance(BigDecimal mean) {
      return indices.stream()
          .map(i -> value(problem.x, i).subtract(mean).pow(2))
          .reduce(BigDecimal.ZERO, BigDecimal::add)
          .divide(count, DIGITS);
    }

    void requireForward() {
      var mean = mean();
      var variance = variance(mean);
      var found = problem.mean.getAtIndex(JAVA_DOUBLE, c);
      // The deviations x - mean that correct the mean are rounded themselves.
      assertThat(Math.abs(found - mean.doubleValue()))
          .isLessThanOrEqualTo(Math.ulp(found) + 0x1p-53 * variance.sqrt(DIGITS).doubleValue());
      assertThat(problem.variance.getAtIndex(JAVA_DOUBLE, c) / variance.doubleValue() - 1)
          .isBetween(-8 * 0x1p-53, 8 * 0x1p-53);
      var scale = value(problem.gamma, c).divide(variance.sqrt(DIGITS), DIGITS);
      var beta = value(problem.beta, c);
      for (var i : indices) {
        var exact = value(problem.x, i).subtract(mean).multiply(scale, DIGITS).add(beta).doubleValue();
        var magnitude = Math.abs(exact) + Math.abs(exact - beta.doubleValue()) + beta.abs().doubleValue();
        assertThat(Math.abs(problem.get(problem.y, i) - exact))
            .isLessThanOrEqualTo(bound(problem.norm.dataType(), exact, magnitude));
      }
    }

    /** By the statistics as they were stored, which are the inputs of the backward pass. */
    void requireBackward() {
      var mean = new BigDecimal(problem.mean.getAtIndex(JAVA_DOUBLE, c));
      var invStd =
          BigDecimal.ONE.divide(new BigDecimal(problem.variance.getAtIndex(JAVA_DOUBLE, c)).sqrt(DIGITS), DIGITS);
      var dbeta = sum(problem.dy);
      var dgamma = BigDecimal.ZERO;
      for (var i : indices) {
        dgamma = dgamma.add(value(problem.dy, i).multiply(xHat(i, mean, invStd)));
      }
      // Each of 35 terms is of about unit size, and is rounded a few times.
      var parameterType = problem.norm.dataType().parameterType();
      require(parameterType, problem.get(problem.dbeta, c), dbeta.doubleValue(), 35);
      require(parameterType, problem.get(problem.dgamma, c), dgamma.doubleValue(), 35);
      var scale = value(problem.gamma, c).multiply(invStd);
      for (var i : indices) {
        var centred =
            value(problem.dy, i)
                .subtract(dbeta.divide(count, DIGITS))
                .subtract(xHat(i, mean, invStd).multiply(dgamma).divide(count, DIGITS));
        // dy, the mean of dy and xHat times the mean of dy * xHat are all below 10.
        var exact = scale.multiply(centred).doubleValue();
        require(problem.norm.dataType(), problem.get(problem.dx, i), exact, 10 * scale.abs().doubleValue());
      }
    }

    /** The sum with the residual is rounded once, whatever the data type. */
    void requireRelu() {
      var mean = mean();
      var scale = value(problem.gamma, c).divide(variance(mean).sqrt(DIGITS), DIGITS);
      var beta = value(problem.beta, c);
      for (var i : indices) {
        var product = value(problem.x, i).subtract(mean).multiply(scale, DIGITS);
        var residual = value(problem.residual, i);
        var exact = product.add(beta).add(residual).max(BigDecimal.ZERO).doubleValue();
        var magnitude = product.abs().add(beta.abs()).add(residual.abs()).doubleValue();
        require(problem.norm.dataType(), problem.get(problem.y, i), exact, magnitude);
      }
    }

    private BigDecimal xHat(long i, BigDecimal mean, BigDecimal invStd) {
      return value(problem.x, i).subtract(mean).multiply(invStd);
    }

    private void require(DataType type, double found, double exact, double magnitude) {
      assertThat(Math.abs(found - exact)).isLessThanOrEqualTo(bound(type, exact, magnitude));
    }
  }

  @Test
  void sumsKeepWhatOrdinaryAdditionLoses() {
    var sum = new CompensatedSum();
    sum.add(1);
    for (var i = 0; i < 1000; i++) {
      sum.add(0x1p-60);
    }
    sum.add(-1);
    assertThat(sum.value()).isEqualTo(1000 * 0x1p-60);
  }

  @Test
  void cumulativeAverageIsTheMeanOfAllBatches() {
    var norm = new BatchNormDescriptor(1, 1, 1, 0, DataType.FLOAT64, Layout.CHANNELS_FIRST, 0);
    var rule = new RunningRule(0, true, false, false);
    try (var problem = new Problem(norm)) {
      var batches = problem.arena.allocate(JAVA_LONG);
      var refused = problem.arena.allocate(JAVA_LONG);
      for (var batch : new double[] {3, 5, 10}) {
        problem.mean.set(JAVA_DOUBLE, 0, batch);
        problem.variance.set(JAVA_DOUBLE, 0, 2 * batch);
        REFERENCE.updateRunning(
            rule,
            DataType.FLOAT64,
            1,
            4,
            problem.mean,
            problem.variance,
            problem.runningMean,
            problem.runningVar,
            batches,
            refused);
      }
      assertThat(problem.get(problem.runningMean, 0)).isEqualTo(6);
      assertThat(problem.get(problem.runningVar, 0)).isEqualTo(12);
      assertThat(batches.get(JAVA_LONG, 0)).isEqualTo(3);
    }
  }
}
