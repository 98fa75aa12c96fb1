package dev.norma;

import static java.lang.foreign.ValueLayout.JAVA_SHORT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.lang.foreign.MemorySegment;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Random data: every operation of the native kernels within what {@link Tolerances} derives of the reference. */
class NativeAgainstReferenceTest {
  private static final double EPSILON = 1e-5;

  static Stream<Arguments> kinds() {
    return Stream.of(DataType.values())
        .flatMap(type -> Stream.of(Layout.values()).map(layout -> arguments(type, layout)));
  }

  private static void requireAgreement(BatchNormDescriptor norm, double mean, double deviation) {
    try (var problem = Problem.random(norm, mean, deviation)) {
      assertThatCode(() -> problem.runAll(Kernels.checked())).as(norm.toString()).doesNotThrowAnyException();
    }
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void everySpatialSize(DataType type, Layout layout) {
    for (var batch : new long[] {1, 3}) {
      for (var channels : new long[] {1, 5}) {
        for (var spatial = 1L; spatial <= 130; spatial++) {
          requireAgreement(new BatchNormDescriptor(batch, channels, spatial, EPSILON, type, layout, 0), 0.5, 2);
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void everyNumberOfChannels(DataType type, Layout layout) {
    for (var channels = 1L; channels <= 130; channels++) {
      requireAgreement(new BatchNormDescriptor(3, channels, 2, EPSILON, type, layout, 0), 0.5, 2);
      requireAgreement(new BatchNormDescriptor(7, channels, 1, EPSILON, type, layout, 0), 0.5, 2);
    }
  }

  /** Work is cut at 128 rows, 4096 values and multiples of them; threads join from 32768 elements on. */
  @ParameterizedTest
  @MethodSource("kinds")
  void aroundBlockBoundaries(DataType type, Layout layout) {
    for (var boundary : new long[] {128, 256, 1024, 4096, 8192}) {
      for (var spatial = boundary - 1; spatial <= boundary + 1; spatial++) {
        requireAgreement(new BatchNormDescriptor(1, 2, spatial, EPSILON, type, layout, 0), 0.5, 2);
        requireAgreement(new BatchNormDescriptor(spatial, 2, 1, EPSILON, type, layout, 0), 0.5, 2);
      }
    }
    requireAgreement(new BatchNormDescriptor(1, 2, 32769, EPSILON, type, layout, 0), 0.5, 2);
    requireAgreement(new BatchNormDescriptor(16385, 2, 1, EPSILON, type, layout, 0), 0.5, 2);
    requireAgreement(new BatchNormDescriptor(9, 70, 130, EPSILON, type, layout, 0), 0.5, 2);
    requireAgreement(new BatchNormDescriptor(4097, 1, 2, EPSILON, type, layout, 0), 0.5, 2);
    requireAgreement(new BatchNormDescriptor(5, 2, 14 * 14, EPSILON, type, layout, 0), 0.5, 2);
  }

  @ParameterizedTest
  @CsvSource({"1e4, 1", "-1e5, 1", "1e6, 1", "1e7, 1", "1e7, 8", "0, 1e-15", "0, 1e15", "1e-30, 1e-36", "0, 1e30"})
  void whateverTheMeanAndTheDeviation(double mean, double deviation) {
    for (var type : DataType.values()) {
      for (var layout : Layout.values()) {
        for (var epsilon : new double[] {0, EPSILON}) {
          for (var spatial : new long[] {1, 49, 1500}) {
            var norm = new BatchNormDescriptor(3, 4, spatial, epsilon, type, layout, 0);
            requireAgreement(norm, mean, deviation);
          }
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void withoutGammaAndBeta(DataType type, Layout layout) {
    var checked = Kernels.checked();
    var none = MemorySegment.NULL;
    var norm = new BatchNormDescriptor(4, 6, 33, EPSILON, type, layout, 0);
    try (var p = Problem.random(norm, 3, 1, 2)) {
      checked.forwardTraining(norm, p.x, none, none, p.y, p.mean, p.variance, none);
      checked.forwardTraining(norm, p.x, p.gamma, none, p.y, p.mean, p.variance, none);
      checked.forwardTraining(norm, p.x, none, p.beta, p.y, p.mean, p.variance, none);
      checked.forwardInference(norm, p.x, none, none, p.runningMean, p.runningVar, p.y, none);
      checked.backwardTraining(norm, p.x, p.dy, none, p.mean, p.variance, p.dx, p.dgamma, p.dbeta, none);
      checked.backwardTraining(norm, p.x, p.dy, none, p.mean, p.variance, none, p.dgamma, none, none);
      checked.backwardTraining(norm, p.x, p.dy, none, p.mean, p.variance, none, none, p.dbeta, none);
      checked.backwardTraining(norm, p.x, p.dy, p.gamma, p.mean, p.variance, p.dx, none, none, none);
      checked.reluForwardTraining(norm, p.x, none, none, none, p.y, p.mean, p.variance, none);
      checked.reluForwardTraining(norm, p.x, p.residual, none, p.beta, p.y, p.mean, p.variance, none);
      checked.reluForwardInference(norm, p.x, p.residual, none, none, p.runningMean, p.runningVar, p.y, none);
      for (var residual : new MemorySegment[] {none, p.residual}) {
        reluBackward(checked, p, residual, p.dx, none, none, p.dbeta);
        reluBackward(checked, p, residual, none, none, p.dgamma, none);
      }
      reluBackward(checked, p, p.residual, p.dx, p.dresidual, none, none);
    }
  }

  /** Without gamma and beta, by the statistics of the batch and by running ones. */
  private static void reluBackward(
      Kernels kernels,
      Problem p,
      MemorySegment residual,
      MemorySegment dx,
      MemorySegment dresidual,
      MemorySegment dgamma,
      MemorySegment dbeta) {
    var none = MemorySegment.NULL;
    kernels.reluBackwardTraining(
        p.norm, p.x, residual, p.dy, none, none, p.mean, p.variance, dx, dresidual, dgamma, dbeta, none);
    kernels.reluBackwardInference(
        p.norm, p.x, residual, p.dy, none, none, p.runningMean, p.runningVar, dx, dresidual, dgamma, dbeta, none);
  }

  /** In place gives the same bits as out of place. */
  @ParameterizedTest
  @MethodSource("kinds")
  void inPlace(DataType type, Layout layout) {
    var kernels = Kernels.nativeKernels();
    var norm = new BatchNormDescriptor(3, 5, 67, EPSILON, type, layout, 0);
    try (var p = Problem.random(norm, 5, 1, 2)) {
      p.forward(kernels);
      p.backward(kernels);
      kernels.backwardTraining(
          norm, p.x, p.dy, p.gamma, p.mean, p.variance, p.dy, p.dgamma, p.dbeta, MemorySegment.NULL);
      assertThat(p.dy.mismatch(p.dx)).isEqualTo(-1);
      kernels.forwardTraining(norm, p.x, p.gamma, p.beta, p.x, p.mean, p.variance, MemorySegment.NULL);
      assertThat(p.x.mismatch(p.y)).isEqualTo(-1);
    }
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void inPlaceWithRelu(DataType type, Layout layout) {
    var kernels = Kernels.nativeKernels();
    var norm = new BatchNormDescriptor(3, 5, 67, EPSILON, type, layout, 0);
    try (var p = Problem.random(norm, 5, 1, 2)) {
      var dx = p.tensor();
      var copyOfDy = p.tensor().copyFrom(p.dy);
      p.reluForward(kernels, p.residual);
      p.reluBackward(kernels, p.residual, p.dresidual);
      dx.copyFrom(p.dx);
      p.reluBackward(kernels, p.residual, p.dy);
      assertThat(p.dx.mismatch(dx)).isEqualTo(-1);
      assertThat(p.dy.mismatch(p.dresidual)).isEqualTo(-1);
      var none = MemorySegment.NULL;
      kernels.reluBackwardTraining(
          norm, p.x, p.residual, copyOfDy, p.gamma, p.beta, p.mean, p.variance, copyOfDy, p.dy, none, none, none);
      assertThat(copyOfDy.mismatch(dx)).isEqualTo(-1);
      assertThat(p.dy.mismatch(p.dresidual)).isEqualTo(-1);
      var copyOfX = p.tensor().copyFrom(p.x);
      kernels.reluForwardTraining(norm, copyOfX, p.residual, p.gamma, p.beta, copyOfX, p.mean, p.variance, none);
      assertThat(copyOfX.mismatch(p.y)).isEqualTo(-1);
      kernels.reluForwardTraining(norm, p.x, p.residual, p.gamma, p.beta, p.residual, p.mean, p.variance, none);
      assertThat(p.residual.mismatch(p.y)).isEqualTo(-1);
    }
  }

  /** The same bits for any number of threads. */
  @ParameterizedTest
  @MethodSource("kinds")
  void threadsDoNotShow(DataType type, Layout layout) {
    for (var spatial : new long[] {1, 49, 5000}) {
      var batch = spatial == 1 ? 20_000 : spatial == 49 ? 400 : 5;
      assertThat(
              IntStream.of(1, 2, 3, 5)
                  .mapToObj(threads -> new BatchNormDescriptor(batch, 9, spatial, EPSILON, type, layout, threads))
                  .map(NativeAgainstReferenceTest::outputs)
                  .distinct())
          .hasSize(1);
    }
  }

  private static long outputs(BatchNormDescriptor norm) {
    try (var p = Problem.random(norm, 11, 1, 2)) {
      p.forward(Kernels.nativeKernels());
      p.backward(Kernels.nativeKernels());
      var plain = hash(p);
      p.reluForward(Kernels.nativeKernels(), p.residual);
      p.reluBackward(Kernels.nativeKernels(), p.residual, p.dresidual);
      return 31 * plain + hash(p);
    }
  }

  private static long hash(Problem p) {
    return Stream.of(p.y, p.dx, p.mean, p.variance, p.dgamma, p.dbeta, p.dresidual)
        .mapToLong(NativeAgainstReferenceTest::hash)
        .reduce(17, (a, b) -> 31 * a + b);
  }

  private static long hash(MemorySegment segment) {
    var hash = 0L;
    for (var i = 0L; i < segment.byteSize() / 2; i++) {
      hash = 0x9E3779B97F4A7C15L * hash + segment.getAtIndex(JAVA_SHORT, i);
    }
    return hash;
  }

  /** Tensors that end, and others that begin, at a page which nobody may touch. */
  @ParameterizedTest
  @MethodSource("kinds")
  void nothingBeyondTheEndsIsTouched(DataType type, Layout layout) {
    for (var spatial = 1L; spatial <= 67; spatial++) {
      for (var channels : new long[] {1, 3, 17}) {
        var norm = new BatchNormDescriptor(2, channels, spatial, EPSILON, type, layout, 0);
        try (var p = Problem.random(norm, spatial, 1, 2);
            var guarded = new Guarded(norm, p)) {
          guarded.run(true);
          guarded.run(false);
        }
      }
    }
  }

  /** The tensors and parameters of a problem, each in guarded memory. */
  private static final class Guarded implements AutoCloseable {
    private final BatchNormDescriptor norm;
    private final Problem problem;
    private final GuardedMemory[] memories = new GuardedMemory[12];

    Guarded(BatchNormDescriptor norm, Problem problem) {
      this.norm = norm;
      this.problem = problem;
      for (var i = 0; i < memories.length; i++) {
        memories[i] = new GuardedMemory(Math.max(norm.tensorBytes(), norm.statisticsBytes()));
      }
    }

    private MemorySegment part(int i, long bytes, boolean atEnd) {
      return atEnd ? memories[i].end(bytes) : memories[i].start(bytes);
    }

    void run(boolean atEnd) {
      var kernels = Kernels.nativeKernels();
      var x = part(0, norm.tensorBytes(), atEnd).copyFrom(problem.x);
      var dy = part(1, norm.tensorBytes(), atEnd).copyFrom(problem.dy);
      var y = part(2, norm.tensorBytes(), atEnd);
      var dx = part(3, norm.tensorBytes(), atEnd);
      var gamma = part(4, norm.parameterBytes(), atEnd).copyFrom(problem.gamma);
      var beta = part(5, norm.parameterBytes(), atEnd).copyFrom(problem.beta);
      var mean = part(6, norm.statisticsBytes(), atEnd);
      var variance = part(7, norm.statisticsBytes(), atEnd);
      var dgamma = part(8, norm.parameterBytes(), atEnd);
      var dbeta = part(9, norm.parameterBytes(), atEnd);
      var none = MemorySegment.NULL;
      kernels.forwardTraining(norm, x, gamma, beta, y, mean, variance, none);
      kernels.backwardTraining(norm, x, dy, gamma, mean, variance, dx, dgamma, dbeta, none);
      problem.forward(kernels);
      problem.backward(kernels);
      assertThat(y.mismatch(problem.y)).isEqualTo(-1);
      assertThat(dx.mismatch(problem.dx)).isEqualTo(-1);
      kernels.forwardInference(norm, x, gamma, beta, gamma, beta, y, none);
      kernels.backwardInference(norm, x, dy, gamma, beta, gamma, dx, dgamma, dbeta, none);
      var residual = part(10, norm.tensorBytes(), atEnd).copyFrom(problem.residual);
      var dresidual = part(11, norm.tensorBytes(), atEnd);
      kernels.reluForwardTraining(norm, x, residual, gamma, beta, y, mean, variance, none);
      kernels.reluBackwardTraining(
          norm, x, residual, dy, gamma, beta, mean, variance, dx, dresidual, dgamma, dbeta, none);
      problem.reluForward(kernels, problem.residual);
      problem.reluBackward(kernels, problem.residual, problem.dresidual);
      assertThat(y.mismatch(problem.y)).isEqualTo(-1);
      assertThat(dx.mismatch(problem.dx)).isEqualTo(-1);
      assertThat(dresidual.mismatch(problem.dresidual)).isEqualTo(-1);
    }

    @Override
    public void close() {
      for (var memory : memories) {
        memory.close();
      }
    }
  }
}
