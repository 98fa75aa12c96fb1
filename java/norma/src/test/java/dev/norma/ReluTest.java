package dev.norma;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.lang.foreign.MemorySegment;
import java.util.stream.DoubleStream;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What the operations with ReLU have in common with those without, to the last bit. */
class ReluTest {
  private static final Kernels NATIVE = Kernels.nativeKernels();
  private static final MemorySegment NONE = MemorySegment.NULL;

  static Stream<Arguments> problems() {
    return Stream.of(DataType.values())
        .flatMap(
            type ->
                Stream.of(Layout.values())
                    .flatMap(
                        layout ->
                            Stream.of(new long[] {2, 1, 1}, new long[] {7, 130, 1}, new long[] {3, 5, 67},
                                    new long[] {2, 3, 5000}, new long[] {300, 70, 4})
                                .map(shape -> arguments(norm(shape, type, layout)))));
  }

  private static BatchNormDescriptor norm(long[] shape, DataType type, Layout layout) {
    return new BatchNormDescriptor(shape[0], shape[1], shape[2], 1e-5, type, layout, 0);
  }

  /** Those that the reference is fast enough for, many times over. */
  static Stream<Arguments> smallProblems() {
    return problems().filter(arguments -> ((BatchNormDescriptor) arguments.get()[0]).tensorBytes() < 1 << 14);
  }

  private static Problem problem(BatchNormDescriptor norm) {
    return Problem.random(norm, 3, 2);
  }

  private static boolean has16Bits(BatchNormDescriptor norm) {
    return norm.dataType().bytes() == Short.BYTES;
  }

  /** Those in which the sum with a residual is an operation of the type. */
  static Stream<Arguments> problemsOfMoreThan16Bits() {
    return problems().filter(arguments -> !has16Bits((BatchNormDescriptor) arguments.get()[0]));
  }

  @ParameterizedTest
  @MethodSource("problems")
  void withoutAResidualYIsThatOfTheNormalizationCutOffAtZero(BatchNormDescriptor norm) {
    try (var p = problem(norm)) {
      p.forward(NATIVE);
      var plain = p.values(p.y);
      p.reluForward(NATIVE, NONE);
      requireRectified(p, plain);
      p.infer(NATIVE);
      plain = p.values(p.y);
      p.reluInfer(NATIVE, NONE);
      requireRectified(p, plain);
    }
  }

  private static void requireRectified(Problem p, double[] plain) {
    requireSame(p.values(p.y), DoubleStream.of(plain).map(z -> Math.max(0, z)).toArray());
  }

  @ParameterizedTest
  @MethodSource("problemsOfMoreThan16Bits")
  void withAResidualYIsTheSumCutOffAtZero(BatchNormDescriptor norm) {
    try (var p = problem(norm)) {
      p.forward(NATIVE);
      var plain = sumWithResidual(p);
      p.reluForward(NATIVE, p.residual);
      requireRectified(p, plain);
      p.infer(NATIVE);
      plain = sumWithResidual(p);
      p.reluInfer(NATIVE, p.residual);
      requireRectified(p, plain);
    }
  }

  private static double[] sumWithResidual(Problem p) {
    var sum = p.values(p.y);
    for (var i = 0; i < sum.length; i++) {
      sum[i] = p.norm.dataType().round(sum[i] + p.get(p.residual, i));
    }
    return sum;
  }

  /** A y of 16 bits may be 0 where z is not. */
  @ParameterizedTest
  @MethodSource("problems")
  void whatPassesIsDyWhereYIsPositive(BatchNormDescriptor norm) {
    try (var p = problem(norm)) {
      p.reluForward(NATIVE, p.residual);
      p.reluBackward(NATIVE, p.residual, p.dresidual);
      requirePassed(p);
      p.reluInfer(NATIVE, p.residual);
      p.reluBackwardInference(NATIVE, p.residual, p.dresidual);
      requirePassed(p);
    }
  }

  private static void requirePassed(Problem p) {
    var passed = p.values(p.dresidual);
    var dy = p.values(p.dy);
    var y = p.values(p.y);
    for (var i = 0; i < y.length; i++) {
      var allowed = y[i] > 0 ? passed[i] == dy[i] : has16Bits(p.norm) || passed[i] == 0;
      if (!allowed) {
        throw new AssertionError("%d: %s passes of %s where y is %s".formatted(i, passed[i], dy[i], y[i]));
      }
    }
  }

  /** The backward pass is that without ReLU, for what ReLU lets through. */
  @ParameterizedTest
  @MethodSource("problems")
  void gradientsAreThoseOfWhatPasses(BatchNormDescriptor norm) {
    try (var p = problem(norm)) {
      p.reluForward(NATIVE, p.residual);
      p.reluBackward(NATIVE, p.residual, p.dresidual);
      var dx = p.values(p.dx);
      var dgamma = p.values(p.dgamma);
      var dbeta = p.values(p.dbeta);
      NATIVE.backwardTraining(norm, p.x, p.dresidual, p.gamma, p.mean, p.variance, p.dx, p.dgamma, p.dbeta, NONE);
      requireSame(p.values(p.dx), dx);
      requireSame(p.values(p.dgamma), dgamma);
      requireSame(p.values(p.dbeta), dbeta);
    }
  }

  @ParameterizedTest
  @MethodSource("problems")
  void gradientsByRunningStatisticsAreThoseOfWhatPasses(BatchNormDescriptor norm) {
    try (var p = problem(norm)) {
      p.reluBackwardInference(NATIVE, p.residual, p.dresidual);
      var dx = p.values(p.dx);
      var dgamma = p.values(p.dgamma);
      var dbeta = p.values(p.dbeta);
      NATIVE.backwardInference(
          norm, p.x, p.dresidual, p.gamma, p.runningMean, p.runningVar, p.dx, p.dgamma, p.dbeta, NONE);
      requireSame(p.values(p.dx), dx);
      requireSame(p.values(p.dgamma), dgamma);
      requireSame(p.values(p.dbeta), dbeta);
    }
  }

  /** Zeros may differ in their sign. */
  private static void requireSame(double[] found, double[] expected) {
    assertThat(found).hasSameSizeAs(expected);
    for (var i = 0; i < found.length; i++) {
      if (found[i] != expected[i]) {
        throw new AssertionError("%d: %s, not %s".formatted(i, found[i], expected[i]));
      }
    }
  }

  static Stream<Arguments> kinds() {
    return Stream.of(Kernels.nativeKernels(), Kernels.reference())
        .flatMap(kernels -> Stream.of(DataType.values()).map(type -> arguments(kernels, type)));
  }

  /** A NaN in the residual is one in y, and lets the gradient pass; an infinity is cut off, or not. */
  @ParameterizedTest
  @MethodSource("kinds")
  void nanAndInfinitiesInTheResidual(Kernels kernels, DataType type) {
    try (var p = problem(norm(new long[] {4, 3, 10}, type, Layout.CHANNELS_FIRST))) {
      type.set(p.residual, 35, Double.NaN);
      type.set(p.residual, 36, Double.POSITIVE_INFINITY);
      type.set(p.residual, 37, Double.NEGATIVE_INFINITY);
      for (var training : new boolean[] {true, false}) {
        if (training) {
          p.reluForward(kernels, p.residual);
          p.reluBackward(kernels, p.residual, p.dresidual);
        } else {
          p.reluInfer(kernels, p.residual);
          p.reluBackwardInference(kernels, p.residual, p.dresidual);
        }
        assertThat(p.get(p.y, 35)).isNaN();
        assertThat(p.get(p.y, 36)).isEqualTo(Double.POSITIVE_INFINITY);
        assertThat(p.get(p.y, 37)).isZero();
        assertThat(p.get(p.dresidual, 35)).isEqualTo(p.get(p.dy, 35));
        assertThat(p.get(p.dresidual, 36)).isEqualTo(p.get(p.dy, 36));
        assertThat(p.get(p.dresidual, 37)).isZero();
        assertThat(p.values(p.dx)).doesNotContain(Double.NaN).doesNotContain(Double.POSITIVE_INFINITY);
      }
    }
  }

  /** A NaN in x makes its channel NaN, in training; NaN passes on what comes back. */
  @ParameterizedTest
  @MethodSource("kinds")
  void aNanInXStaysInItsChannel(Kernels kernels, DataType type) {
    try (var p = problem(norm(new long[] {4, 3, 10}, type, Layout.CHANNELS_FIRST))) {
      type.set(p.x, 35, Double.NaN);
      p.reluForward(kernels, p.residual);
      p.reluBackward(kernels, p.residual, p.dresidual);
      for (var i = 0; i < p.values(p.y).length; i++) {
        var inChannel0 = i % 30 < 10;
        assertThat(Double.isNaN(p.get(p.y, i))).isEqualTo(inChannel0);
        assertThat(Double.isNaN(p.get(p.dx, i))).isEqualTo(inChannel0);
        if (inChannel0) {
          assertThat(p.get(p.dresidual, i)).isEqualTo(p.get(p.dy, i));
        }
      }
    }
  }

  /** By running statistics x decides what passes, and no more: dx = gamma * invStd * g has no other x in it. */
  @ParameterizedTest
  @MethodSource("kinds")
  void anInfiniteXIsNoPartOfTheGradientByRunningStatistics(Kernels kernels, DataType type) {
    try (var p = problem(norm(new long[] {4, 3, 10}, type, Layout.CHANNELS_FIRST))) {
      p.fill(p.gamma, c -> 2);
      type.set(p.x, 35, Double.POSITIVE_INFINITY);
      type.set(p.x, 36, Double.NEGATIVE_INFINITY);
      p.reluBackwardInference(kernels, MemorySegment.NULL, MemorySegment.NULL);
      assertThat(p.get(p.dx, 35)).isFinite().isNotZero();
      assertThat(p.get(p.dx, 36)).isZero();
    }
  }

  /** Values at which float overflows, and results that 16 bits cannot hold. */
  @ParameterizedTest
  @MethodSource("smallProblems")
  void resultsThatOverflow(BatchNormDescriptor norm) {
    for (var size : new double[] {1e3, 6e4, 1e20, 1e37}) {
      try (var p = Problem.random(norm, 4, 0, 1)) {
        p.fill(p.gamma, c -> size);
        p.fill(p.dy, i -> size * (i % 5 - 2));
        p.fill(p.residual, i -> size * (i % 3 - 1));
        assertThatCode(() -> p.runAll(Kernels.checked())).as("%s, %s", size, norm).doesNotThrowAnyException();
      }
    }
  }
}
