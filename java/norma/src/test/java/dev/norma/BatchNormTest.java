package dev.norma;

import static java.lang.foreign.ValueLayout.JAVA_DOUBLE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.data.Offset.offset;

import java.lang.foreign.Arena;
import java.util.function.UnaryOperator;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** What a layer does with batches, in the conventions of each framework. */
class BatchNormTest {
  @AutoClose private final Arena arena = Arena.ofConfined();

  private Tensor tensor(DataType type, long... extents) {
    return Tensor.allocate(arena, type, Layout.CHANNELS_FIRST, extents);
  }

  /** Two channels of four values: means 3 and -1, biased variances 5 and 1. */
  private Tensor batch() {
    return tensor(DataType.FLOAT32, 4, 2).copyFrom(0f, 0f, 2f, -2f, 4f, 0f, 6f, -2f);
  }

  @Test
  void aNewLayerIsTheIdentityOfNormalization() {
    try (var layer = BatchNorm.builder(2).build()) {
      assertThat(layer.gamma().toArray(JAVA_FLOAT)).containsExactly(1, 1);
      assertThat(layer.beta().toArray(JAVA_FLOAT)).containsExactly(0, 0);
      assertThat(layer.runningMean().toArray(JAVA_FLOAT)).containsExactly(0, 0);
      assertThat(layer.runningVar().toArray(JAVA_FLOAT)).containsExactly(1, 1);
      assertThat(layer.batches()).isZero();
      assertThat(layer.refused()).isZero();
      assertThat(layer.channels()).isEqualTo(2);
      assertThat(layer.dataType()).isEqualTo(DataType.FLOAT32);
      assertThat(layer.activation()).isEqualTo(Activation.NONE);
    }
  }

  @Test
  void presetsAreThoseOfTheFrameworks() {
    requireSettings(BatchNorm.builder(1), 0.9, 1e-5, false);
    requirePreset(BatchNorm.Builder::defaults, 0.9, 1e-5, false);
    requirePreset(BatchNorm.Builder::pytorch, 0.9, 1e-5, true);
    requirePreset(BatchNorm.Builder::keras, 0.99, 1e-3, false);
    requirePreset(BatchNorm.Builder::onnx, 0.9, 1e-5, false);
  }

  private static void requirePreset(
      UnaryOperator<BatchNorm.Builder> preset, double momentum, double epsilon, boolean unbiased) {
    var other = BatchNorm.builder(1).cumulativeAverage().epsilon(7).unbiasedVariance(!unbiased);
    requireSettings(preset.apply(other), momentum, epsilon, unbiased);
  }

  private static void requireSettings(
      BatchNorm.Builder builder, double momentum, double epsilon, boolean unbiased) {
    try (var layer = builder.build()) {
      assertThat(layer.epsilon()).isEqualTo(epsilon);
      assertThat(layer.runningRule()).isEqualTo(new RunningRule(momentum, false, unbiased, false));
    }
  }

  /** The old value keeps the momentum: 0.75 * 0 + 0.25 * 3, 0.75 * 1 + 0.25 * 5. */
  @Test
  void momentumIsWhatTheOldValueKeeps() {
    try (var layer = BatchNorm.builder(2).momentum(0.75).build()) {
      layer.forward(batch(), batch());
      assertThat(layer.runningMean().toArray(JAVA_FLOAT)).containsExactly(0.75f, -0.25f);
      assertThat(layer.runningVar().toArray(JAVA_FLOAT)).containsExactly(2, 1);
      assertThat(layer.batches()).isEqualTo(1);
    }
  }

  @Test
  void updateWeightIsWhatTheNewBatchGets() {
    try (var one = BatchNorm.builder(2).momentum(0.75).build();
        var other = BatchNorm.builder(2).updateWeight(0.25).build()) {
      one.forward(batch(), batch());
      other.forward(batch(), batch());
      assertThat(other.runningMean().mismatch(one.runningMean())).isEqualTo(-1);
      assertThat(other.runningVar().mismatch(one.runningVar())).isEqualTo(-1);
    }
  }

  /** Unbiased variances are 5 * 4 / 3 and 4 / 3; y is normalized by the biased ones all the same. */
  @Test
  void unbiasedVarianceIsForTheRunningOneOnly() {
    try (var layer = BatchNorm.builder(2).momentum(0).unbiasedVariance(true).epsilon(0).build()) {
      var y = batch();
      layer.forward(y, y);
      assertThat(layer.runningVar().toArray(JAVA_FLOAT)).containsExactly(20f / 3, 4f / 3);
      assertThat(layer.batchVariance().toArray(JAVA_DOUBLE)).containsExactly(5, 1);
      assertThat(y.toFloats()[1]).isEqualTo(1);
    }
  }

  @Test
  void runningVarianceHoldsNoEpsilon() {
    try (var layer = BatchNorm.builder(2).momentum(0).epsilon(100).build()) {
      layer.forward(batch(), batch());
      assertThat(layer.runningVar().toArray(JAVA_FLOAT)).containsExactly(5, 1);
    }
  }

  @Test
  void cumulativeAverageIsTheMeanOfAllBatches() {
    try (var layer = BatchNorm.builder(1).cumulativeAverage().build()) {
      for (var mean : new float[] {1, 2, 6}) {
        var x = tensor(DataType.FLOAT32, 2, 1).copyFrom(mean - 1, mean + 1);
        layer.forward(x, x);
      }
      assertThat(layer.runningMean().get(JAVA_FLOAT, 0)).isEqualTo(3);
      assertThat(layer.runningVar().get(JAVA_FLOAT, 0)).isEqualTo(1);
      assertThat(layer.batches()).isEqualTo(3);
    }
  }

  @ParameterizedTest
  @EnumSource
  void inferenceIsByRunningStatisticsAndChangesNone(DataType type) {
    try (var layer = BatchNorm.builder(2).dataType(type).epsilon(0).build()) {
      var parameterType = type.parameterType();
      parameterType.set(layer.runningMean(), 0, 5);
      parameterType.set(layer.runningVar(), 0, 4);
      parameterType.set(layer.gamma(), 0, 3);
      parameterType.set(layer.beta(), 0, -1);
      var x = tensor(type, 1, 2, 1).copyFrom(9.0, 9.0);
      var y = tensor(type, 1, 2, 1);
      layer.infer(x, y);
      assertThat(y.toDoubles()).containsExactly(5, 9);
      assertThat(layer.batches()).isZero();
      assertThat(parameterType.get(layer.runningMean(), 0)).isEqualTo(5);
    }
  }

  @Test
  void backwardInferenceTreatsStatisticsAsConstants() {
    try (var layer = BatchNorm.builder(1).epsilon(0).build()) {
      layer.runningVar().set(JAVA_FLOAT, 0, 4);
      layer.runningMean().set(JAVA_FLOAT, 0, 1);
      layer.gamma().set(JAVA_FLOAT, 0, 3);
      var x = tensor(DataType.FLOAT32, 2, 1).copyFrom(3f, -1f);
      var dy = tensor(DataType.FLOAT32, 2, 1).copyFrom(2f, 6f);
      layer.backwardInference(x, dy, dy);
      assertThat(dy.toFloats()).containsExactly(3, 9);
      assertThat(layer.betaGradient().get(JAVA_FLOAT, 0)).isEqualTo(8);
      assertThat(layer.gammaGradient().get(JAVA_FLOAT, 0)).isEqualTo(2 * 1 + 6 * -1);
      layer.step(GradientDescent.of(0.5));
      assertThat(layer.beta().get(JAVA_FLOAT, 0)).isEqualTo(-4);
      assertThat(layer.gamma().get(JAVA_FLOAT, 0)).isEqualTo(5);
    }
  }

  /** v = 2, then 0.5 * 2 + 2 = 3; Nesterov's step is g + momentum * v. A rule without momentum leaves v alone. */
  @Test
  void velocityIsKeptBetweenSteps() {
    try (var layer = BatchNorm.builder(1).build()) {
      var x = tensor(DataType.FLOAT32, 2, 1).copyFrom(3f, -1f);
      var dy = tensor(DataType.FLOAT32, 2, 1).copyFrom(1f, 1f);
      var dx = tensor(DataType.FLOAT32, 2, 1);
      layer.backwardInference(x, dy, dx);
      var rule = GradientDescent.of(1).withMomentum(0.5);
      layer.step(rule);
      assertThat(layer.beta().get(JAVA_FLOAT, 0)).isEqualTo(-2);
      layer.step(GradientDescent.of(1));
      assertThat(layer.beta().get(JAVA_FLOAT, 0)).isEqualTo(-4);
      layer.step(rule.withNesterov(true));
      assertThat(layer.beta().get(JAVA_FLOAT, 0)).isEqualTo(-4 - (2 + 0.5f * 3));
    }
  }

  @Test
  void aLayerWithoutGammaAndBetaNormalizesOnly() {
    try (var layer = BatchNorm.builder(2).affine(false).epsilon(0).build()) {
      var x = batch();
      var y = batch();
      layer.forward(x, y);
      assertThat(y.toFloats()[1]).isEqualTo(1);
      layer.backward(x, y, y);
      // dy is xHat, which has no share in dx: of three terms of unit size, rounded 8 times, nothing is left.
      assertThat(y.toDoubles()).containsExactly(new double[8], offset(24 * 0x1p-24));
    }
  }

  /** One step downhill on a squared distance, with every call compared with the reference. */
  @ParameterizedTest
  @CsvSource({"FLOAT32, CHANNELS_FIRST", "FLOAT32, CHANNELS_LAST", "FLOAT64, CHANNELS_FIRST", "FLOAT64, CHANNELS_LAST"})
  void aLayerLearns(DataType type, Layout layout) {
    var x = Tensor.allocate(arena, type, layout, 16, 3, 5, 4);
    var y = Tensor.allocate(arena, type, layout, 16, 3, 5, 4);
    var dy = Tensor.allocate(arena, type, layout, 16, 3, 5, 4);
    var random = Problem.generator(4);
    for (var i = 0L; i < x.size(); i++) {
      x.set(i, random.nextGaussian() * 3 + 100);
    }
    try (var layer = BatchNorm.builder(3).dataType(type).kernels(Kernels.checked()).build()) {
      for (var step = 0; step < 60; step++) {
        layer.forward(x, y);
        for (var i = 0L; i < y.size(); i++) {
          // The target is 2 xHat + 0.5; the loss is half the mean squared distance.
          var xHat = (y.get(i) - type.get(layer.beta(), channel(y, i))) / type.get(layer.gamma(), channel(y, i));
          dy.set(i, (y.get(i) - (2 * xHat + 0.5)) / (16 * 20));
        }
        layer.backward(x, dy, dy);
        layer.step(GradientDescent.of(0.3).withMomentum(0.5));
      }
      for (var c = 0; c < 3; c++) {
        assertThat(type.get(layer.gamma(), c)).isCloseTo(2, offset(1e-3));
        assertThat(type.get(layer.beta(), c)).isCloseTo(0.5, offset(1e-3));
      }
      assertThat(layer.batches()).isEqualTo(60);
    }
  }

  private static long channel(Tensor tensor, long index) {
    return tensor.layout() == Layout.CHANNELS_LAST
        ? index % tensor.channels()
        : index / tensor.spatial() % tensor.channels();
  }

  @Test
  void forwardInPlaceNeedsACopyForBackward() {
    try (var layer = BatchNorm.builder(2).build()) {
      var kept = batch();
      var x = batch();
      layer.forward(x, x);
      var dx = tensor(DataType.FLOAT32, 4, 2);
      layer.backward(kept, batch(), dx);
      var expected = tensor(DataType.FLOAT32, 4, 2);
      layer.forward(kept, expected);
      assertThat(x.segment().mismatch(expected.segment())).isEqualTo(-1);
      layer.backward(kept, batch(), expected);
      assertThat(dx.segment().mismatch(expected.segment())).isEqualTo(-1);
    }
  }

  @Test
  void aLayerTakesBatchesOfAnyShapeAndLayout() {
    try (var layer = BatchNorm.builder(2).kernels(Kernels.checked()).build()) {
      for (var batch = 2; batch < 30; batch++) {
        var last = Tensor.allocate(arena, DataType.FLOAT32, Layout.CHANNELS_LAST, batch, 2, 3);
        layer.forward(last, last);
        var first = tensor(DataType.FLOAT32, batch, 2, 1, 4, 5);
        layer.forward(first, first);
        layer.backward(first, tensor(DataType.FLOAT32, batch, 2, 1, 4, 5), tensor(DataType.FLOAT32, batch, 2, 1, 4, 5));
      }
      assertThat(layer.batches()).isEqualTo(56);
    }
  }

  /** Parameters are floats: a step far below the precision of 16 bits is not lost. */
  @ParameterizedTest
  @EnumSource(names = {"BFLOAT16", "FLOAT16"})
  void parametersOf16BitTensorsAreFloats(DataType type) {
    try (var layer = BatchNorm.builder(2).dataType(type).momentum(0.75).build()) {
      var x = tensor(type, 4, 2).copyFrom(0f, 0f, 2f, -2f, 4f, 0f, 6f, -2f);
      var dy = tensor(type, 4, 2).copyFrom(1f, 0f, 0f, 0f, 0f, 0f, 0f, 0f);
      layer.forward(x, tensor(type, 4, 2));
      assertThat(layer.runningMean().toArray(JAVA_FLOAT)).containsExactly(0.75f, -0.25f);
      assertThat(layer.batchVariance().toArray(JAVA_DOUBLE)).containsExactly(5, 1);
      layer.backward(x, dy, dy);
      layer.step(GradientDescent.of(0x1p-16));
      assertThat(layer.beta().toArray(JAVA_FLOAT)).containsExactly(-0x1p-16f, 0);
      assertThat(layer.gamma().byteSize()).isEqualTo(8);
    }
  }

  private Tensor residual() {
    return tensor(DataType.FLOAT32, 4, 2).copyFrom(1f, -9f, 1f, 1f, -9f, 1f, 1f, 1f);
  }

  /** Without epsilon and with sigma 1, channel 1 normalizes to 1, -1, 1, -1. */
  @Test
  void reluCutsOffWhatIsNegative() {
    try (var layer = BatchNorm.builder(2).activation(Activation.RELU).epsilon(0).build()) {
      assertThat(layer.activation()).isEqualTo(Activation.RELU);
      var y = tensor(DataType.FLOAT32, 4, 2);
      layer.forward(batch(), y);
      assertThat(channel1(y)).containsExactly(1, 0, 1, 0);
      layer.forward(batch(), residual(), y);
      assertThat(channel1(y)).containsExactly(0, 0, 2, 0);
      assertThat(layer.batchMean().toArray(JAVA_DOUBLE)).containsExactly(3, -1);
      assertThat(layer.batches()).isEqualTo(2);
    }
  }

  private static double[] channel1(Tensor tensor) {
    return new double[] {tensor.get(1), tensor.get(3), tensor.get(5), tensor.get(7)};
  }

  @Test
  void reluInInference() {
    try (var layer = BatchNorm.builder(2).activation(Activation.RELU).epsilon(0).build()) {
      var y = tensor(DataType.FLOAT32, 4, 2);
      layer.infer(batch(), y);
      assertThat(y.toFloats()).containsExactly(0, 0, 2, 0, 4, 0, 6, 0);
      layer.infer(batch(), residual(), y);
      assertThat(y.toFloats()).containsExactly(1, 0, 3, 0, 0, 1, 7, 0);
      assertThat(layer.batches()).isZero();
    }
  }

  /** The residual's gradient is what ReLU lets through; it may take the place of dy. */
  @Test
  void gradientsPassWhereReluLetThemThrough() {
    try (var layer = BatchNorm.builder(2).activation(Activation.RELU).epsilon(0).build()) {
      var dx = tensor(DataType.FLOAT32, 4, 2);
      var dy = tensor(DataType.FLOAT32, 4, 2).copyFrom(1f, 2f, 3f, 4f, 5f, 6f, 7f, 8f);
      layer.backwardInference(batch(), dy, dx);
      assertThat(dx.toFloats()).containsExactly(0, 0, 3, 0, 5, 0, 7, 0);
      layer.backwardInference(batch(), residual(), dy, dx, dy);
      assertThat(dy.toFloats()).containsExactly(1, 0, 3, 0, 0, 6, 7, 0);
      assertThat(dx.toFloats()).containsExactly(1, 0, 3, 0, 0, 6, 7, 0);
      assertThat(layer.betaGradient().toArray(JAVA_FLOAT)).containsExactly(11, 6);
    }
  }

  /** With ReLU as without: the gradient of y by what is passed on. */
  @ParameterizedTest
  @EnumSource
  void backwardThroughReluIsBackwardOfWhatPasses(DataType type) {
    try (var fused = BatchNorm.builder(2).dataType(type).activation(Activation.RELU).build();
        var plain = BatchNorm.builder(2).dataType(type).build()) {
      var x = tensor(type, 4, 2).copyFrom(batch().toFloats());
      var residual = tensor(type, 4, 2).copyFrom(residual().toFloats());
      var y = tensor(type, 4, 2);
      var dx = tensor(type, 4, 2);
      var expected = tensor(type, 4, 2);
      var dy = tensor(type, 4, 2).copyFrom(1f, 2f, 3f, 4f, 5f, 6f, 7f, 8f);
      fused.forward(x, residual, y);
      plain.forward(x, expected);
      fused.backward(x, residual, dy, dx, dy);
      for (var i = 0; i < 8; i++) {
        assertThat(dy.get(i)).isEqualTo(y.get(i) > 0 ? i + 1 : 0);
      }
      plain.backward(x, dy, expected);
      assertThat(dx.toDoubles()).isEqualTo(expected.toDoubles());
      assertThat(fused.gammaGradient().mismatch(plain.gammaGradient())).isEqualTo(-1);
      assertThat(fused.betaGradient().mismatch(plain.betaGradient())).isEqualTo(-1);
    }
  }

  @Test
  void theBuilderChecksItsValues() {
    requireRefused("channels must be at least 1, not 0", () -> BatchNorm.builder(0));
    var builder = BatchNorm.builder(1);
    requireRefused("epsilon must be at least 0 and finite, not -1.0", () -> builder.epsilon(-1));
    requireRefused("epsilon must be at least 0 and finite, not NaN", () -> builder.epsilon(Double.NaN));
    requireRefused("momentum must lie in 0 to 1, not 1.5", () -> builder.momentum(1.5));
    requireRefused("updateWeight must lie in 0 to 1, not -0.1", () -> builder.updateWeight(-0.1));
    requireRefused("threads must be at least 0, not -1", () -> builder.threads(-1));
    requireRefused("too many channels: " + Long.MAX_VALUE, () -> BatchNorm.builder(Long.MAX_VALUE).build());
  }

  private static void requireRefused(String message, ThrowingCallable call) {
    assertThatIllegalArgumentException().isThrownBy(call).withMessage(message);
  }
}
