package dev.norma;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.lang.foreign.Arena;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What an instance normalization does with tensors, without running statistics and with them. */
class InstanceNormTest {
  @AutoClose private final Arena arena = Arena.ofConfined();

  /** Two images with two channels of four positions: means 3, -1 and 5, 1, biased variances 5, 1 and 1, 4. */
  private Tensor images() {
    return Tensor.allocate(arena, DataType.FLOAT32, Layout.CHANNELS_FIRST, 2, 2, 2, 2)
        .copyFrom(0f, 2f, 4f, 6f, 0f, -2f, 0f, -2f, 4f, 6f, 4f, 6f, 3f, -1f, 3f, -1f);
  }

  private Tensor like(Tensor tensor) {
    return Tensor.allocate(arena, tensor.dataType(), tensor.layout(), tensor.extents());
  }

  @Test
  void aNewLayerHasTheDefaultsOfPyTorch() {
    try (var layer = InstanceNorm.builder(2).build();
        var tracking = InstanceNorm.builder(2).trackRunningStatistics(true).build()) {
      assertThat(layer.epsilon()).isEqualTo(1e-5);
      assertThat(layer.channels()).isEqualTo(2);
      requireWithout("gamma: the layer was built without gamma and beta", layer::gamma);
      requireWithout("beta: the layer was built without gamma and beta", layer::beta);
      assertThat(tracking.runningRule()).isEqualTo(new RunningRule(0.9, false, true, false));
      assertThat(tracking.runningMean().toArray(JAVA_FLOAT)).containsExactly(0, 0);
      assertThat(tracking.runningVar().toArray(JAVA_FLOAT)).containsExactly(1, 1);
    }
  }

  private static void requireWithout(String message, ThrowingCallable call) {
    assertThatIllegalStateException().isThrownBy(call).withMessage(message);
  }

  @ParameterizedTest
  @EnumSource
  void channelsOfImagesAreNormalizedByThemselves(DataType type) {
    try (var layer = InstanceNorm.builder(2).dataType(type).affine(true).epsilon(0).build()) {
      type.parameterType().set(layer.gamma(), 1, 3);
      type.parameterType().set(layer.beta(), 1, 0.5);
      var x = Tensor.allocate(arena, type, Layout.CHANNELS_FIRST, 2, 2, 2, 2).copyFrom(images().toFloats());
      var y = like(x);
      layer.forward(x, y);
      for (var i = 0; i < 4; i++) {
        var sign = i % 2 == 0 ? 1 : -1;
        assertThat(y.get(4 + i)).isEqualTo(0.5 + 3 * sign);
        assertThat(y.get(8 + i)).isEqualTo(-sign);
        assertThat(y.get(12 + i)).isEqualTo(0.5 + 3 * sign);
      }
      layer.infer(x, x);
      assertThat(x.segment().mismatch(y.segment())).isEqualTo(-1);
    }
  }

  /** With xHat = -1, 1, -1, 1 and dy = 2, 0, 0, 0 the mean of dy is 1/2, that of dy * xHat -1/2. */
  @Test
  void gradients() {
    try (var layer = InstanceNorm.builder(2).affine(true).epsilon(0).build()) {
      var x = images();
      var dy = like(x);
      dy.set(8, 2);
      layer.forward(x, like(x));
      layer.backward(x, dy, dy);
      assertThat(dy.toFloats()).containsExactly(0, 0, 0, 0, 0, 0, 0, 0, 1, 0, -1, 0, 0, 0, 0, 0);
      assertThat(layer.gammaGradient().toArray(JAVA_FLOAT)).containsExactly(-2, 0);
      assertThat(layer.betaGradient().toArray(JAVA_FLOAT)).containsExactly(2, 0);
    }
  }

  /** Averages of means are 4 and 0, of variances 3 and 2.5; unbiased variances are 4 / 3 of them. */
  @Test
  void runningStatisticsFollowTheAveragesOverTheImages() {
    try (var layer = InstanceNorm.builder(2).trackRunningStatistics(true).updateWeight(0.25).build();
        var biased = InstanceNorm.builder(2).trackRunningStatistics(true).momentum(0).unbiasedVariance(false).build();
        var mean = InstanceNorm.builder(2).trackRunningStatistics(true).cumulativeAverage().build()) {
      layer.forward(images(), like(images()));
      assertThat(layer.runningMean().toArray(JAVA_FLOAT)).containsExactly(1, 0);
      assertThat(layer.runningVar().toArray(JAVA_FLOAT)).containsExactly(1.75f, (float) (0.75 + 2.5 / 3));
      biased.forward(images(), like(images()));
      assertThat(biased.runningMean().toArray(JAVA_FLOAT)).containsExactly(4, 0);
      assertThat(biased.runningVar().toArray(JAVA_FLOAT)).containsExactly(3, 2.5f);
      mean.forward(images(), like(images()));
      mean.forward(like(images()), like(images()));
      assertThat(mean.runningMean().toArray(JAVA_FLOAT)).containsExactly(2, 0);
      assertThat(mean.batches()).isEqualTo(2);
      assertThat(mean.refused()).isZero();
    }
  }

  @Test
  void inferenceIsByRunningStatistics() {
    try (var layer = InstanceNorm.builder(2).affine(true).trackRunningStatistics(true).epsilon(0).build()) {
      layer.runningMean().setAtIndex(JAVA_FLOAT, 0, 2);
      layer.runningVar().setAtIndex(JAVA_FLOAT, 0, 4);
      layer.gamma().setAtIndex(JAVA_FLOAT, 0, 3);
      layer.beta().setAtIndex(JAVA_FLOAT, 0, 1);
      var y = like(images());
      layer.infer(images(), y);
      assertThat(y.toFloats()).startsWith(-2, 1, 4, 7, 0, -2, 0, -2);
      assertThat(layer.batches()).isZero();
      var dy = like(images());
      dy.set(0, 2);
      dy.set(1, 4);
      layer.backwardInference(images(), dy, dy);
      assertThat(dy.toFloats()).startsWith(3, 6, 0, 0);
      assertThat(layer.betaGradient().toArray(JAVA_FLOAT)).containsExactly(6, 0);
      assertThat(layer.gammaGradient().toArray(JAVA_FLOAT)).containsExactly(-2, 0);
      layer.step(GradientDescent.of(1));
      assertThat(layer.beta().getAtIndex(JAVA_FLOAT, 0)).isEqualTo(-5);
    }
  }

  /** Every call compared with the reference, in all types and both layouts. */
  @ParameterizedTest
  @EnumSource
  void checkedTraining(DataType type) {
    try (var layer =
        InstanceNorm.builder(5)
            .dataType(type)
            .affine(true)
            .trackRunningStatistics(true)
            .kernels(Kernels.checked())
            .build()) {
      for (var layout : Layout.values()) {
        for (var batch : new long[] {1, 7, 3}) {
          var x = Tensor.allocate(arena, type, layout, batch, 5, 4, 3);
          for (var i = 0L; i < x.size(); i++) {
            x.set(i, Math.sin(i) + i % 5);
          }
          var y = like(x);
          layer.forward(x, y);
          layer.backward(x, y, y);
          layer.step(GradientDescent.of(0.1).withMomentum(0.9));
          layer.infer(x, y);
          layer.backwardInference(x, y, y);
        }
      }
      assertThat(layer.batches()).isEqualTo(6);
    }
  }

  @Test
  void aBatchThatIsNotFiniteIsRefusedAndCounted() {
    try (var layer = InstanceNorm.builder(2).trackRunningStatistics(true).refuseNonFinite(true).build()) {
      var x = images();
      x.set(3, Double.NaN);
      layer.forward(x, like(x));
      assertThat(layer.refused()).isEqualTo(1);
      assertThat(layer.batches()).isZero();
      assertThat(layer.runningVar().toArray(JAVA_FLOAT)).containsExactly(1, 1);
    }
  }

  @Test
  void onePositionHasNoVariance() {
    try (var layer = InstanceNorm.builder(2).build();
        var tracking = InstanceNorm.builder(2).trackRunningStatistics(true).build()) {
      var x = Tensor.allocate(arena, DataType.FLOAT32, Layout.CHANNELS_FIRST, 4, 2);
      for (var call :
          List.<ThrowingCallable>of(
              () -> layer.forward(x, x), () -> layer.infer(x, x), () -> tracking.forward(x, x))) {
        assertThatIllegalArgumentException()
            .isThrownBy(call)
            .withMessage(
                "instance normalization needs more than one value per channel and image, but x is "
                    + x
                    + ": give it more positions, or normalize by batch, group or layer normalization");
      }
      tracking.infer(x, x);
      assertThat(tracking.batches()).isZero();
    }
  }

  @Test
  void runningStatisticsWhereThereAreNone() {
    try (var layer = InstanceNorm.builder(2).build()) {
      var x = images();
      layer.forward(x, like(x));
      for (var call :
          List.<ThrowingCallable>of(
              layer::runningMean,
              layer::runningVar,
              layer::runningRule,
              layer::batches,
              layer::refused,
              () -> layer.backwardInference(x, x, like(x)))) {
        assertThatIllegalStateException()
            .isThrownBy(call)
            .withMessageEndingWith(": the layer was built without running statistics: trackRunningStatistics(true)");
      }
    }
  }

  @Test
  void aClosedLayerWithRunningStatistics() {
    var closed = InstanceNorm.builder(2).trackRunningStatistics(true).build();
    closed.close();
    for (var call :
        List.<ThrowingCallable>of(
            closed::runningMean,
            closed::runningVar,
            closed::batches,
            closed::refused,
            () -> closed.backwardInference(images(), images(), images()))) {
      assertThatIllegalStateException().isThrownBy(call).withMessageEndingWith(": the layer is closed");
    }
  }
}
