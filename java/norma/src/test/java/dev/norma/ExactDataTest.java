package dev.norma;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Data for which every operation is exact in any order, so that results equal the closed form bit by bit.
 *
 * <p>Channel c holds, in turn, m + a and m - a, with m = 3 c - 5 and a = 2^(c mod 3), and epsilon is 0. So mean = m,
 * variance = a^2, xHat = +1, -1, ... and y = beta +- gamma. Gradients are p + q xHat + r, with r = 1, 1, -1, -1 in
 * turn: r is orthogonal to 1 and to xHat, so dbeta = M p, dgamma = M q and dx = gamma / a * r. All values are small
 * integers or halves of them, also in 16 bits. Residuals are 2 r, so that z = beta +- gamma + 2 r is never 0.
 */
class ExactDataTest {
  private static final double P = 2;
  private static final double Q = 3;

  static Stream<Arguments> kinds() {
    return Stream.of(Kernels.nativeKernels(), Kernels.reference())
        .flatMap(
            kernels ->
                Stream.of(DataType.values())
                    .flatMap(
                        type -> Stream.of(Layout.values()).map(layout -> arguments(kernels, type, layout))));
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void everySpatialSize(Kernels kernels, DataType type, Layout layout) {
    for (var spatial = 1L; spatial <= 130; spatial++) {
      for (var channels : List.of(1L, 4L)) {
        requireExact(kernels, new BatchNormDescriptor(4, channels, spatial, 0, type, layout, 0));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void aroundBlockBoundaries(Kernels kernels, DataType type, Layout layout) {
    for (var rows : new long[] {124, 128, 132, 1020, 1024, 1028, 4096, 8196}) {
      requireExact(kernels, new BatchNormDescriptor(rows, 3, 1, 0, type, layout, 0));
      requireExact(kernels, new BatchNormDescriptor(1, 3, rows, 0, type, layout, 0));
      requireExact(kernels, new BatchNormDescriptor(2, 33, rows / 2, 0, type, layout, 0));
    }
    requireExact(kernels, new BatchNormDescriptor(4, 2, 20_000, 0, type, layout, 0));
  }

  private static double sign(long i) {
    return i % 2 == 0 ? 1 : -1;
  }

  private static double orthogonal(long i) {
    return i % 4 < 2 ? 1 : -1;
  }

  private static double mean(long c) {
    return 3 * c - 5;
  }

  private static double deviation(long c) {
    return 1 << (c % 3);
  }

  private static double gamma(long c) {
    return c % 2 == 0 ? 4 : -2;
  }

  private static double beta(long c) {
    return c - 1.5;
  }

  private static void requireExact(Kernels kernels, BatchNormDescriptor norm) {
    try (var problem = new Problem(norm)) {
      problem.fillX((c, i) -> mean(c) + sign(i) * deviation(c));
      problem.fillDy((c, i) -> P + Q * sign(i) + orthogonal(i));
      problem.fill(problem.gamma, ExactDataTest::gamma);
      problem.fill(problem.beta, ExactDataTest::beta);
      problem.fill(problem.runningMean, ExactDataTest::mean);
      problem.fill(problem.runningVar, c -> deviation(c) * deviation(c));
      problem.forward(kernels);
      requireForward(problem);
      problem.backward(kernels);
      requireBackward(problem, 0);
      problem.infer(kernels);
      requireForward(problem);
      problem.backwardInference(kernels);
      requireBackward(problem, 1);
      problem.fillResidual((c, i) -> 2 * orthogonal(i));
      problem.reluForward(kernels, problem.residual);
      requireRectified(problem);
      problem.reluBackward(kernels, problem.residual, problem.dresidual);
      requirePassed(problem);
      problem.reluInfer(kernels, problem.residual);
      requireRectified(problem);
      problem.reluBackwardInference(kernels, problem.residual, problem.dresidual);
      requirePassed(problem);
      requireTensor(problem, "dx", problem.dx, (c, i) -> gamma(c) / deviation(c) * passed(c, i));
    }
  }

  private static double z(long c, long i) {
    return beta(c) + sign(i) * gamma(c) + 2 * orthogonal(i);
  }

  private static double passed(long c, long i) {
    return z(c, i) > 0 ? P + Q * sign(i) + orthogonal(i) : 0;
  }

  private static void requireRectified(Problem problem) {
    requireTensor(problem, "y", problem.y, (c, i) -> Math.max(0, z(c, i)));
  }

  private static void requirePassed(Problem problem) {
    requireTensor(problem, "dresidual", problem.dresidual, ExactDataTest::passed);
    for (var c = 0L; c < problem.norm.channels(); c++) {
      var channel = c;
      var values = problem.norm.valuesPerChannel();
      var sum = LongStream.range(0, values).mapToDouble(i -> passed(channel, i)).sum();
      var product = LongStream.range(0, values).mapToDouble(i -> passed(channel, i) * sign(i)).sum();
      assertThat(problem.get(problem.dbeta, c)).as("dbeta %s", problem.norm).isEqualTo(sum);
      assertThat(problem.get(problem.dgamma, c)).as("dgamma %s", problem.norm).isEqualTo(product);
    }
  }

  private static void requireForward(Problem problem) {
    for (var c = 0L; c < problem.norm.channels(); c++) {
      assertThat(Problem.doubles(problem.mean)[(int) c]).isEqualTo(mean(c));
      assertThat(Problem.doubles(problem.variance)[(int) c]).isEqualTo(deviation(c) * deviation(c));
    }
    requireTensor(problem, "y", problem.y, (c, i) -> beta(c) + sign(i) * gamma(c));
  }

  /** By running statistics nothing is taken off dy: its share is 1 instead of 0. */
  private static void requireBackward(Problem problem, double share) {
    var count = problem.norm.valuesPerChannel();
    for (var c = 0L; c < problem.norm.channels(); c++) {
      assertThat(problem.get(problem.dbeta, c)).as("dbeta %s", problem.norm).isEqualTo(count * P);
      assertThat(problem.get(problem.dgamma, c)).as("dgamma %s", problem.norm).isEqualTo(count * Q);
    }
    requireTensor(
        problem,
        "dx",
        problem.dx,
        (c, i) -> gamma(c) / deviation(c) * (orthogonal(i) + share * (P + Q * sign(i))));
  }

  private static void requireTensor(
      Problem problem, String name, MemorySegment tensor, Problem.Values expected) {
    var norm = problem.norm;
    for (var c = 0L; c < norm.channels(); c++) {
      for (var i = 0L; i < norm.valuesPerChannel(); i++) {
        var found = problem.get(tensor, norm.index(i / norm.spatial(), c, i % norm.spatial()));
        if (found != expected.at(c, i)) {
          throw new AssertionError(
              "%s of %s, c %d, i %d: %s, not %s".formatted(name, norm, c, i, found, expected.at(c, i)));
        }
      }
    }
  }
}
