package dev.norma;

import static java.lang.foreign.MemorySegment.NULL;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.util.List;
import java.util.function.LongToDoubleFunction;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Normalization of slices by the native kernels: within what {@link Tolerances} derives of the reference. */
class SlicesAgainstReferenceTest {
  private static final double EPSILON = 1e-5;

  static Stream<Arguments> kinds() {
    return Stream.of(SliceProblem.Kind.values())
        .flatMap(kind -> Stream.of(DataType.values()).map(type -> arguments(kind, type)));
  }

  private static void requireAgreement(SliceProblem problem) {
    try (problem) {
      assertThatCode(() -> problem.run(Kernels.checked())).as(problem.toString()).doesNotThrowAnyException();
    }
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void everyLength(SliceProblem.Kind kind, DataType type) {
    for (var rows : new long[] {1, 2, 5}) {
      for (var length = 1L; length <= 140; length++) {
        requireAgreement(kind.of(rows, length, EPSILON, type).fill(0.5, 2));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void everyNumberOfRows(SliceProblem.Kind kind, DataType type) {
    for (var rows = 1L; rows <= 70; rows++) {
      requireAgreement(kind.of(rows, 3, EPSILON, type).fill(0.5, 2));
      requireAgreement(kind.of(rows, 33, EPSILON, type).fill(0.5, 2));
    }
  }

  /** Rows are cut at 4096 values, sums over rows at 16 and 128 of them; threads join from 32768 elements on. */
  @ParameterizedTest
  @MethodSource("kinds")
  void aroundBlockBoundaries(SliceProblem.Kind kind, DataType type) {
    for (var boundary : new long[] {256, 768, 1024, 4096, 8192}) {
      for (var length = boundary - 1; length <= boundary + 1; length++) {
        requireAgreement(kind.of(3, length, EPSILON, type).fill(0.5, 2));
      }
    }
    for (var rows : new long[] {127, 128, 129, 1023, 1024, 1025, 4099}) {
      requireAgreement(kind.of(rows, 9, EPSILON, type).fill(0.5, 2));
    }
    requireAgreement(kind.of(1, 70_001, EPSILON, type).fill(0.5, 2));
    requireAgreement(kind.of(300, 257, EPSILON, type).fill(0.5, 2));
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void whateverTheMeanAndTheDeviation(SliceProblem.Kind kind, DataType type) {
    var meansAndDeviations =
        new double[][] {
          {1e4, 1}, {-1e5, 1}, {1e6, 1}, {1e7, 8}, {0, 1e-15}, {0, 1e15}, {1e-30, 1e-36}, {0, 1e30}, {0, 1e-40}
        };
    for (var data : meansAndDeviations) {
      for (var epsilon : new double[] {0, EPSILON}) {
        for (var length : new long[] {1, 2, 49, 1500}) {
          requireAgreement(kind.of(5, length, epsilon, type).fill(data[0], data[1]));
        }
      }
    }
  }

  /** Data of which every rounding points the same way, or much is lost beside a few large values. */
  private static final List<LongToDoubleFunction> AWKWARD =
      List.of(
          i -> i % 997 == 0 ? 1e4 : 2.3,
          i -> i % 997 == 0 ? 1e4 : 1e4 * Math.sqrt(0.9 * 0x1p-24),
          i -> i < 500 ? 0 : 0.1,
          i -> 0.1 * i,
          i -> 1.0 / (1 + i),
          i -> i == 5 ? 1 : 5.9e-8,
          i -> i == 0 ? 1e30 : 1,
          i -> Math.exp(i % 80),
          i -> i % 2 == 0 ? 1e38 : -3e38,
          i -> i % 3 == 0 ? 1e-40 : 1e-38,
          i -> i % 2 == 0 ? Double.NaN : Double.POSITIVE_INFINITY,
          i -> 0.1 * (i % 7) + 1e5);

  @ParameterizedTest
  @MethodSource("kinds")
  void noDataIsRefused(SliceProblem.Kind kind, DataType type) {
    for (var shape : new long[][] {{128, 3}, {8, 700}, {2, 2}, {3, 4500}, {1000, 4}}) {
      for (var epsilon : new double[] {0, EPSILON}) {
        for (var i = 0; i < AWKWARD.size(); i++) {
          var problem = kind.of(shape[0], shape[1], epsilon, type);
          problem.fillTensor(problem.x, AWKWARD.get(i));
          problem.fillTensor(problem.dy, AWKWARD.get((i + 3) % AWKWARD.size()));
          problem.fillParameters(problem.gamma, l -> 1.7);
          requireAgreement(problem);
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void whatIsMissing(SliceProblem.Kind kind, DataType type) {
    try (var p = kind.of(5, 67, EPSILON, type).fill(3, 2)) {
      var checked = Kernels.checked();
      p.run(checked);
      var beta = p.beta;
      p.beta = NULL;
      p.forward(checked);
      p.gamma = NULL;
      p.run(checked);
      p.beta = beta;
      p.forward(checked);
      var dx = p.dx;
      var dgamma = p.dgamma;
      p.dx = NULL;
      p.backward(checked);
      p.dgamma = NULL;
      p.backward(checked);
      p.dbeta = NULL;
      p.backward(checked);
      p.dx = dx;
      p.backward(checked);
      p.dgamma = dgamma;
      p.backward(checked);
      p.mean = NULL;
      p.variance = NULL;
      p.forward(checked);
      p.invStd = NULL;
      p.forward(checked);
    }
  }

  /** In place, with a team of threads, and without statistics: the same bits. */
  @ParameterizedTest
  @MethodSource("kinds")
  void whateverTheWay(SliceProblem.Kind kind, DataType type) {
    for (var shape : new long[][] {{5, 67}, {700, 130}}) {
      var kernels = Kernels.nativeKernels();
      try (var p = kind.of(shape[0], shape[1], EPSILON, type, 1).fill(5, 1).run(kernels);
          var team = kind.of(shape[0], shape[1], EPSILON, type, 3).fill(5, 1).run(kernels)) {
        var expected = p.outputs();
        assertThat(team.outputs()).isDeepEqualTo(expected);
        team.dx = team.tensor().copyFrom(team.dy);
        team.dy = team.dx;
        team.backward(kernels);
        team.mean = NULL;
        team.variance = NULL;
        team.invStd = NULL;
        team.y = team.tensor().copyFrom(team.x);
        team.x = team.y;
        team.forward(kernels);
        assertThat(team.y.mismatch(p.y)).isEqualTo(-1);
        assertThat(team.dx.mismatch(p.dx)).isEqualTo(-1);
      }
    }
  }
}
