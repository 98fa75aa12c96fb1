package dev.norma;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Offset.offset;

import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The full Jacobian d u_i / d z_j of the normalization u = (z - mean) / sqrt(variance + epsilon) of one channel of B
 * values, by finite differences in double. Derivations on the web print it for i != j as
 *
 * <pre>
 *   -1 / (B sqrt(variance + epsilon)) - (z_1 - mean)^2 / (B (variance + epsilon)^(3/2))
 * </pre>
 *
 * with the square that is right for i == j. The variance moves with z_j by 2 (z_j - mean) / B, and u_i with the
 * variance by -(z_i - mean) / 2 (variance + epsilon)^(-3/2): the product holds two different deviations.
 */
class JacobianTest {
  private static final int B = 6;
  private static final double EPSILON = 0.125;
  private static final double[] Z = {0.3, -1.7, 2.9, 0.8, -0.4, 1.1};

  /**
   * Central differences with a step h are off by h^2 / 6 times a third derivative, here below 10, and by the rounding
   * of u, below 8 * 2^-53, over h: with h = 1e-5 by 2e-10 and 1e-10.
   */
  private static final double STEP = 1e-5;

  private static final double TOLERANCE = 3e-10;

  static List<Kernels> kernels() {
    return List.of(Kernels.reference(), Kernels.nativeKernels());
  }

  @ParameterizedTest
  @MethodSource("kernels")
  void theCrossTermIsTheProductOfTwoDeviations(Kernels kernels) {
    var differences = differences(kernels);
    var moments = moments();
    var largestErrorOfTheSquare = 0d;
    for (var i = 0; i < B; i++) {
      for (var j = 0; j < B; j++) {
        assertThat(differences[i][j]).isCloseTo(entry(moments, i, j, i, j), offset(TOLERANCE));
        if (i != j) {
          var square = entry(moments, i, j, 0, 0);
          largestErrorOfTheSquare = Math.max(largestErrorOfTheSquare, Math.abs(differences[i][j] - square));
        }
      }
    }
    // The square is not a little off: the deviations are of unit size, and so is the difference, over B.
    assertThat(largestErrorOfTheSquare).isGreaterThan(0.1);
  }

  /** The entry (i, j), with the deviations of the values p and q in its last term. */
  private static double entry(Moments moments, int i, int j, int p, int q) {
    var invStd = moments.invStd(EPSILON);
    var product = moments.deviation(Z[p]) * moments.deviation(Z[q]);
    return (i == j ? invStd : 0) - invStd / B - product * Math.pow(invStd, 3) / B;
  }

  @ParameterizedTest
  @MethodSource("kernels")
  void backwardIsTheTransposedJacobian(Kernels kernels) {
    var differences = differences(kernels);
    try (var problem = problem()) {
      problem.forward(kernels);
      for (var i = 0; i < B; i++) {
        var row = i;
        problem.fill(problem.dy, k -> k == row ? 1 : 0);
        problem.backward(kernels);
        assertThat(problem.values(problem.dx))
            .containsExactly(differences[i], offset(TOLERANCE));
      }
    }
  }

  private static double[][] differences(Kernels kernels) {
    var jacobian = new double[B][B];
    try (var problem = problem()) {
      for (var j = 0; j < B; j++) {
        var above = forwardWith(problem, kernels, j, Z[j] + STEP);
        var below = forwardWith(problem, kernels, j, Z[j] - STEP);
        for (var i = 0; i < B; i++) {
          jacobian[i][j] = (above[i] - below[i]) / (2 * STEP);
        }
      }
    }
    return jacobian;
  }

  private static double[] forwardWith(Problem problem, Kernels kernels, int j, double z) {
    problem.fill(problem.x, i -> i == j ? z : Z[(int) i]);
    problem.forward(kernels);
    return problem.values(problem.y);
  }

  private static Moments moments() {
    try (var problem = problem()) {
      return Moments.of(problem.norm, problem.x, 0);
    }
  }

  private static Problem problem() {
    var norm = new BatchNormDescriptor(B, 1, 1, EPSILON, DataType.FLOAT64, Layout.CHANNELS_FIRST, 0);
    var problem = new Problem(norm);
    problem.fill(problem.x, i -> Z[(int) i]);
    problem.fill(problem.gamma, i -> 1);
    return problem;
  }
}
