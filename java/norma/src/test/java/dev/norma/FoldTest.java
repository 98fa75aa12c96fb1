package dev.norma;

import static java.lang.foreign.MemorySegment.NULL;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.assertj.core.data.Offset.offset;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.DoubleSupplier;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** A layer that is folded into the one before it. */
class FoldTest {
  @AutoClose private final Arena arena = Arena.ofConfined();

  private Tensor tensor(DataType type, Layout layout, long... extents) {
    return Tensor.allocate(arena, type, layout, extents);
  }

  private Tensor random(DataType type, Layout layout, DoubleSupplier values, long... extents) {
    var tensor = tensor(type, layout, extents);
    for (var i = 0L; i < tensor.size(); i++) {
      tensor.set(i, values.getAsDouble());
    }
    return tensor;
  }

  /** An array of parameters that go with such tensors. */
  private MemorySegment parameters(DataType type, double... values) {
    var parameters = arena.allocate(values.length * type.parameterType().bytes(), Double.BYTES);
    set(type, parameters, values);
    return parameters;
  }

  private static void set(DataType type, MemorySegment parameters, double... values) {
    for (var c = 0; c < values.length; c++) {
      type.parameterType().set(parameters, c, values[c]);
    }
  }

  private static double[] values(DataType type, MemorySegment parameters, int channels) {
    var values = new double[channels];
    for (var c = 0; c < channels; c++) {
      values[c] = type.parameterType().get(parameters, c);
    }
    return values;
  }

  static Stream<Arguments> kernels() {
    return Stream.of(Kernels.nativeKernels(), Kernels.reference(), Kernels.checked())
        .flatMap(kernels -> Stream.of(DataType.values()).map(type -> arguments(kernels, type)));
  }

  /** Scales 3 / 2, 0 by gamma, and 0 for a constant channel: weights and bias (b - 5) * 3 / 2 - 1, and beta twice. */
  @ParameterizedTest
  @MethodSource("kernels")
  void theFormulas(Kernels kernels, DataType type) {
    try (var layer = BatchNorm.builder(3).dataType(type).epsilon(0).kernels(kernels).build()) {
      set(type, layer.gamma(), 3, 0, 1);
      set(type, layer.beta(), -1, 7, 0.5);
      set(type, layer.runningMean(), 5, 5, 5);
      set(type, layer.runningVar(), 4, 4, 0);
      var weights = tensor(type, Layout.CHANNELS_FIRST, 3, 2).copyFrom(1.0, -2.0, 3.0, 4.0, 5.0, 6.0);
      var folded = tensor(type, Layout.CHANNELS_FIRST, 3, 2);
      var foldedBias = parameters(type, 9, 9, 9);
      layer.fold(weights, parameters(type, 1, 2, 3), folded, foldedBias);
      assertThat(folded.toDoubles()).containsExactly(1.5, -3, 0, 0, 0, 0);
      assertThat(values(type, foldedBias, 3)).containsExactly(-7, 7, 0.5);
      layer.fold(weights, NULL, weights, foldedBias);
      assertThat(weights.toDoubles()).containsExactly(1.5, -3, 0, 0, 0, 0);
      assertThat(values(type, foldedBias, 3)).containsExactly(-8.5, 7, 0.5);
    }
  }

  @ParameterizedTest
  @EnumSource
  void withoutGammaAndBeta(DataType type) {
    try (var layer = BatchNorm.builder(1).dataType(type).affine(false).epsilon(0).build()) {
      set(type, layer.runningMean(), 5);
      set(type, layer.runningVar(), 0.25);
      var weights = tensor(type, Layout.CHANNELS_LAST, 1, 3).copyFrom(1.0, -2.0, 3.0);
      var bias = parameters(type, 6);
      layer.fold(weights, bias, weights, bias);
      assertThat(weights.toDoubles()).containsExactly(2, -4, 6);
      assertThat(values(type, bias, 1)).containsExactly(2);
    }
  }

  /** Folding reads: the layer and what it was given stay as they are. */
  @Test
  void theLayerStaysAsItIs() {
    var type = DataType.FLOAT32;
    try (var layer = trained(type, Kernels.nativeKernels())) {
      var weights = random(type, Layout.CHANNELS_FIRST, () -> 2, 4, 3);
      var bias = parameters(type, 1, 2, 3, 4);
      var before = contents(layer, weights, bias);
      layer.fold(weights, bias, tensor(type, Layout.CHANNELS_FIRST, 4, 3), parameters(type, 0, 0, 0, 0));
      assertThat(contents(layer, weights, bias)).isEqualTo(before);
    }
  }

  private static List<String> contents(BatchNorm layer, Tensor weights, MemorySegment bias) {
    return Stream.of(
            weights.segment(), bias, layer.gamma(), layer.beta(), layer.runningMean(), layer.runningVar())
        .map(segment -> Arrays.toString(segment.toArray(JAVA_BYTE)))
        .toList();
  }

  /** Four channels with statistics and parameters of some training. */
  private BatchNorm trained(DataType type, Kernels kernels) {
    var layer = BatchNorm.builder(4).dataType(type).kernels(kernels).build();
    var random = Problem.generator(11);
    for (var batch = 0; batch < 5; batch++) {
      var x = random(type, Layout.CHANNELS_FIRST, () -> 1 + 2 * random.nextGaussian(), 16, 4, 3);
      layer.forward(x, x);
    }
    set(type, layer.gamma(), 0.5, -1.25, 2, 1);
    set(type, layer.beta(), 1, -2, 0, 0.75);
    return layer;
  }

  static Stream<Arguments> kinds() {
    return Stream.of(DataType.values())
        .flatMap(type -> Stream.of(Layout.values()).map(layout -> arguments(type, layout)));
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void aFoldedDenseLayer(DataType type, Layout layout) {
    requireSameOutput(type, layout, 1, new long[] {9, 20}, new long[] {4, 20});
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void aFoldedConvolution(DataType type, Layout layout) {
    requireSameOutput(type, layout, 1, new long[] {2, 3, 6, 5}, new long[] {4, 3, 3, 2});
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void aFoldedConvolutionWithGroups(DataType type, Layout layout) {
    requireSameOutput(type, layout, 2, new long[] {2, 6, 5, 5}, new long[] {4, 3, 3, 3});
    requireSameOutput(type, layout, 4, new long[] {3, 4, 4, 7}, new long[] {4, 1, 2, 2});
  }

  /** The layer and its normalization against the folded layer, both on the same input. */
  private void requireSameOutput(DataType type, Layout layout, int groups, long[] inputs, long[] filter) {
    var random = Problem.generator(12);
    var x = random(type, layout, random::nextGaussian, inputs);
    var weights = random(type, layout, random::nextGaussian, filter);
    var bias = parameters(type, 0.5, -0.25, 1, 2);
    var foldedWeights = tensor(type, layout, filter);
    var foldedBias = parameters(type, 0, 0, 0, 0);
    try (var layer = trained(type, Kernels.checked())) {
      layer.fold(weights, bias, foldedWeights, foldedBias);
      var before = new NaiveConvolution(x, weights, groups);
      var folded = new NaiveConvolution(x, foldedWeights, groups);
      var y = tensor(type, layout, before.outputExtents());
      forEach(y, (n, o, s) -> y.set(y.index(n, o, s), before.at(n, o, s).value() + parameter(type, bias, o)));
      layer.infer(y, y);
      forEach(
          y,
          (n, o, s) -> {
            var expected = y.get(y.index(n, o, s));
            var ofFolding = parameter(type, foldedBias, o);
            var size = before.at(n, o, s).magnitudes() + Math.abs(parameter(type, bias, o));
            var tolerance = tolerance(layer, o, size, ofFolding, expected, weights.size() / weights.batch());
            assertThat(folded.at(n, o, s).value() + ofFolding)
                .as("output (%d, %d, %d) of %s", n, o, s, y)
                .isCloseTo(expected, offset(tolerance));
          });
    }
  }

  private interface Position {
    void at(long n, long c, long s);
  }

  private static void forEach(Tensor tensor, Position action) {
    for (var n = 0L; n < tensor.batch(); n++) {
      for (var c = 0L; c < tensor.channels(); c++) {
        for (var s = 0L; s < tensor.spatial(); s++) {
          action.at(n, c, s);
        }
      }
    }
  }

  private static double parameter(DataType type, MemorySegment parameters, long c) {
    return type.parameterType().get(parameters, c);
  }

  /**
   * How far apart the two ways may be, from the sum of the magnitudes of what the layer before adds up. u is the unit
   * roundoff of an element, p of a parameter.
   *
   * <ul>
   *   <li>Folded weights are rounded by u each, the folded bias by p.
   *   <li>The output of the layer before is rounded by u when it is stored, and again by u when it is normalized.
   *   <li>Normalizing, and with doubles folding too, is no more than 8 roundings; a sum of doubles takes as many as it
   *       has terms, each way.
   *   <li>Subnormal numbers are off by half of their spacing: weights times their inputs, which are below 6, outputs
   *       times the scale, and the result.
   * </ul>
   */
  private static double tolerance(
      BatchNorm layer, long c, double size, double foldedBias, double y, long terms) {
    var type = layer.dataType();
    var u = type.epsilon() / 2;
    var p = type.parameterType().epsilon() / 2;
    var gamma = Math.abs(parameter(type, layer.gamma(), c));
    var scale = gamma / Math.sqrt(parameter(type, layer.runningVar(), c) + layer.epsilon());
    var others = scale * Math.abs(parameter(type, layer.runningMean(), c)) + Math.abs(parameter(type, layer.beta(), c));
    var sums = type == DataType.FLOAT64 ? 2 * terms : 0;
    var subnormal = type.ulp(0) * (6 * terms + scale + 1);
    return (2 + sums) * u * scale * size
        + p * Math.abs(foldedBias)
        + 16 * p * (scale * size + others)
        + u * Math.abs(y)
        + subnormal;
  }

  /** NaN and infinite parameters spoil their channel, and no other. */
  @ParameterizedTest
  @MethodSource("kernels")
  void whatIsNotFiniteStaysInItsChannel(Kernels kernels, DataType type) {
    for (var value : new double[] {Double.NaN, Double.POSITIVE_INFINITY, -1}) {
      try (var layer = BatchNorm.builder(2).dataType(type).kernels(kernels).build()) {
        set(type, layer.runningMean(), 0, value);
        set(type, layer.runningVar(), 1, value);
        var weights = tensor(type, Layout.CHANNELS_FIRST, 2, 1).copyFrom(1.0, 1.0);
        var bias = parameters(type, 2, 2);
        layer.fold(weights, bias, weights, bias);
        assertThat(weights.get(0)).isCloseTo(1, offset(1e-2));
        assertThat(parameter(type, bias, 0)).isCloseTo(2, offset(1e-4));
        assertThat(parameter(type, bias, 1)).isNaN();
      }
    }
  }

  @ParameterizedTest
  @MethodSource("kernels")
  void whatIsTooLargeBecomesInfinite(Kernels kernels, DataType type) {
    try (var layer = BatchNorm.builder(1).dataType(type).kernels(kernels).epsilon(0).build()) {
      set(type, layer.runningVar(), 0x1p-100);
      var largest = type.largest();
      var weights = tensor(type, Layout.CHANNELS_FIRST, 1, 2).copyFrom(largest, -largest);
      layer.fold(weights, NULL, weights, parameters(type, 0));
      assertThat(weights.toDoubles()).containsExactly(Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY);
    }
  }

  @Test
  void mistakesAreRefused() {
    var type = DataType.FLOAT32;
    var layout = Layout.CHANNELS_FIRST;
    try (var layer = BatchNorm.builder(2).build()) {
      var weights = tensor(type, layout, 2, 3);
      var other = tensor(type, layout, 2, 3);
      var bias = parameters(type, 1, 2);
      var transposed = tensor(type, layout, 3, 2);
      requireRefused(
          "weights is FLOAT32 CHANNELS_FIRST [3, 2], but the layer has 2 channels of FLOAT32: they are the first extent"
              + " of the weights",
          () -> layer.fold(transposed, bias, transposed, bias));
      var doubles = tensor(DataType.FLOAT64, layout, 2, 3);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> layer.fold(doubles, bias, doubles, bias))
          .withMessageStartingWith("weights is FLOAT64");
      requireRefused(
          "foldedWeights is FLOAT32 CHANNELS_LAST [2, 3], but weights is FLOAT32 CHANNELS_FIRST [2, 3]",
          () -> layer.fold(weights, bias, tensor(type, Layout.CHANNELS_LAST, 2, 3), bias));
      requireRefused("bias has 4 bytes, but 8 are needed", () -> layer.fold(weights, bias.asSlice(4), other, bias));
      requireRefused(
          "foldedBias is an output, but its segment is read-only",
          () -> layer.fold(weights, bias, other, bias.asReadOnly()));
      requireRefused(
          "foldedBias is MemorySegment.NULL, but is needed", () -> layer.fold(weights, bias, other, NULL));
      requireRefused("foldedBias overlaps beta", () -> layer.fold(weights, bias, other, layer.beta()));
      var heap = MemorySegment.ofArray(new float[2]);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> layer.fold(weights, heap, other, bias))
          .withMessageStartingWith("bias is a heap segment");
      assertThatNullPointerException().isThrownBy(() -> layer.fold(null, bias, other, bias)).withMessage("weights");
      assertThatNullPointerException()
          .isThrownBy(() -> layer.fold(weights, bias, null, bias))
          .withMessage("foldedWeights");
      assertThatNullPointerException().isThrownBy(() -> layer.fold(weights, null, other, bias)).withMessage("bias");
      var foreign = CompletableFuture.supplyAsync(() -> Arena.ofConfined().allocate(8, 8)).join();
      assertThat(catchThrowable(() -> layer.fold(weights, foreign, other, bias)))
          .isInstanceOf(WrongThreadException.class)
          .hasMessageStartingWith("bias belongs to ");
      assertThat(values(type, bias, 2)).containsExactly(1, 2);
      assertThat(other.toDoubles()).containsOnly(0);
    }
  }

  private static void requireRefused(String message, ThrowingCallable call) {
    assertThatIllegalArgumentException().isThrownBy(call).withMessage(message);
  }

  /** Weights and bias at the very end of what may be read, and written. */
  @ParameterizedTest
  @EnumSource
  void nothingBehindTheArraysIsTouched(DataType type) {
    var bytes = 2 * 7 * type.bytes();
    var parameterBytes = 2 * type.parameterType().bytes();
    try (var layer = BatchNorm.builder(2).dataType(type).build();
        var guardedWeights = new GuardedMemory(bytes);
        var guardedBias = new GuardedMemory(parameterBytes)) {
      for (var atEnd : new boolean[] {true, false}) {
        var segment = atEnd ? guardedWeights.end(bytes) : guardedWeights.start(bytes);
        var bias = atEnd ? guardedBias.end(parameterBytes) : guardedBias.start(parameterBytes);
        var weights = Tensor.of(segment, type, Layout.CHANNELS_FIRST, 2, 7);
        layer.fold(weights, bias, weights, bias);
        assertThat(weights.toDoubles()).containsOnly(0);
      }
    }
  }
}
