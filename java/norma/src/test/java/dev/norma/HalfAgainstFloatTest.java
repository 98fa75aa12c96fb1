package dev.norma;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.lang.foreign.MemorySegment;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Numbers of 16 bits are computed as float and rounded once: to the last bit what float gives, rounded. */
class HalfAgainstFloatTest {
  private static final Kernels NATIVE = Kernels.nativeKernels();

  static Stream<Arguments> problems() {
    return Stream.of(DataType.BFLOAT16, DataType.FLOAT16)
        .flatMap(
            type ->
                Stream.of(Layout.values())
                    .flatMap(
                        layout ->
                            Stream.of(new long[] {2, 1, 1}, new long[] {5, 3, 1}, new long[] {7, 130, 1},
                                    new long[] {3, 5, 67}, new long[] {2, 3, 5000}, new long[] {300, 70, 4})
                                .map(shape -> arguments(type, layout, shape))));
  }

  private static BatchNormDescriptor norm(long[] shape, DataType type, Layout layout) {
    return new BatchNormDescriptor(shape[0], shape[1], shape[2], 1e-5, type, layout, 0);
  }

  @ParameterizedTest
  @MethodSource("problems")
  void everyOperation(DataType type, Layout layout, long[] shape) {
    try (var half = Problem.random(norm(shape, type, layout), 8, 1, 2);
        var whole = new Problem(norm(shape, DataType.FLOAT32, layout))) {
      whole.fill(whole.x, i -> half.get(half.x, i));
      whole.fill(whole.dy, i -> half.get(half.dy, i));
      whole.fill(whole.residual, i -> half.get(half.residual, i));
      for (var parameters :
          new MemorySegment[][] {
            {whole.gamma, half.gamma},
            {whole.beta, half.beta},
            {whole.runningMean, half.runningMean},
            {whole.runningVar, half.runningVar}
          }) {
        parameters[0].copyFrom(parameters[1]);
      }
      for (var p : new Problem[] {half, whole}) {
        p.forward(NATIVE);
        p.backward(NATIVE);
      }
      requireRounded(half, whole);
      for (var p : new Problem[] {half, whole}) {
        p.infer(NATIVE);
        p.backwardInference(NATIVE);
      }
      requireRounded(half, whole);
      for (var p : new Problem[] {half, whole}) {
        p.reluForward(NATIVE, p.residual);
        p.reluBackward(NATIVE, p.residual, p.dresidual);
      }
      requireRounded(half, whole);
      for (var p : new Problem[] {half, whole}) {
        p.reluInfer(NATIVE, p.residual);
        p.reluBackwardInference(NATIVE, p.residual, p.dresidual);
      }
      requireRounded(half, whole);
    }
  }

  private static void requireRounded(Problem half, Problem whole) {
    requireRounded(half, half.y, whole, whole.y);
    requireRounded(half, half.dx, whole, whole.dx);
    requireRounded(half, half.dresidual, whole, whole.dresidual);
    assertThat(half.mean.mismatch(whole.mean)).isEqualTo(-1);
    assertThat(half.variance.mismatch(whole.variance)).isEqualTo(-1);
    assertThat(half.dgamma.mismatch(whole.dgamma)).isEqualTo(-1);
    assertThat(half.dbeta.mismatch(whole.dbeta)).isEqualTo(-1);
  }

  private static void requireRounded(Problem half, MemorySegment found, Problem whole, MemorySegment expected) {
    for (var i = 0L; i < expected.byteSize() / Float.BYTES; i++) {
      var rounded = half.norm.dataType().round(whole.get(expected, i));
      if (half.get(found, i) != rounded) {
        throw new AssertionError("%s, %d: %s, not %s".formatted(half.norm, i, half.get(found, i), rounded));
      }
    }
  }
}
