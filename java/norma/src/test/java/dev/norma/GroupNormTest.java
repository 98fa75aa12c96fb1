package dev.norma;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.lang.foreign.Arena;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What a group normalization does with tensors. */
class GroupNormTest {
  @AutoClose private final Arena arena = Arena.ofConfined();

  static Stream<Arguments> kinds() {
    return Stream.of(DataType.values())
        .flatMap(type -> Stream.of(Layout.values()).map(layout -> arguments(type, layout)));
  }

  /** Values by image, channel and position. */
  interface Values {
    double at(long n, long c, long s);
  }

  private Tensor tensor(DataType type, Layout layout, long batch, long channels, long spatial, Values values) {
    var tensor = Tensor.allocate(arena, type, layout, batch, channels, spatial);
    for (var n = 0L; n < batch; n++) {
      for (var c = 0L; c < channels; c++) {
        for (var s = 0L; s < spatial; s++) {
          tensor.set(tensor.index(n, c, s), values.at(n, c, s));
        }
      }
    }
    return tensor;
  }

  private static void require(Tensor found, Values expected) {
    for (var n = 0L; n < found.batch(); n++) {
      for (var c = 0L; c < found.channels(); c++) {
        for (var s = 0L; s < found.spatial(); s++) {
          assertThat(found.get(found.index(n, c, s)))
              .as("n=%d, c=%d, s=%d", n, c, s)
              .isEqualTo(expected.at(n, c, s));
        }
      }
    }
  }

  @Test
  void aNewLayerHasTheDefaultsOfPyTorch() {
    try (var layer = GroupNorm.builder(2, 4).build()) {
      assertThat(layer.epsilon()).isEqualTo(1e-5);
      assertThat(layer.gamma().toArray(JAVA_FLOAT)).containsExactly(1, 1, 1, 1);
      assertThat(layer.beta().toArray(JAVA_FLOAT)).containsExactly(0, 0, 0, 0);
      assertThat(layer.groups()).isEqualTo(2);
      assertThat(layer.channels()).isEqualTo(4);
    }
  }

  /** A group is a channel with m + a and one with m - a, with a mean and a deviation of its own in each image. */
  @ParameterizedTest
  @MethodSource("kinds")
  void neighbouringChannelsAreNormalizedTogether(DataType type, Layout layout) {
    Values x = (n, c, s) -> 3 * n + c / 2 + (c % 2 == 0 ? 2 : -2) * (1 + n);
    try (var layer = GroupNorm.builder(2, 4).dataType(type).epsilon(0).build()) {
      for (var c = 0; c < 4; c++) {
        type.parameterType().set(layer.gamma(), c, 1 + c);
        type.parameterType().set(layer.beta(), c, 0.5 * c);
      }
      var in = tensor(type, layout, 3, 4, 5, x);
      var out = tensor(type, layout, 3, 4, 5, (n, c, s) -> 0);
      layer.forward(in, out);
      require(out, (n, c, s) -> (1 + c) * (c % 2 == 0 ? 1 : -1) + 0.5 * c);
      layer.infer(in, in);
      assertThat(in.segment().mismatch(out.segment())).isEqualTo(-1);
    }
  }

  /** xHat is 1 in even channels and -1 in odd ones; g = 4 in channel 0 has the mean 2, and 2 as that of g * xHat. */
  @ParameterizedTest
  @MethodSource("kinds")
  void gradients(DataType type, Layout layout) {
    try (var layer = GroupNorm.builder(2, 4).dataType(type).epsilon(0).build()) {
      type.parameterType().set(layer.gamma(), 0, 4);
      var x = tensor(type, layout, 2, 4, 3, (n, c, s) -> c % 2 == 0 ? 1 : -1);
      var dy = tensor(type, layout, 2, 4, 3, (n, c, s) -> c == 0 ? s - 1 : c == 3 ? 1 : 0);
      layer.forward(x, tensor(type, layout, 2, 4, 3, (n, c, s) -> 0));
      layer.backward(x, dy, dy);
      // The mean of s - 1 is 0; of channel 3's 1 it is 1/2, and so is that of -g * xHat.
      require(dy, (n, c, s) -> c == 0 ? 4 * (s - 1) : 0);
      for (var c = 0; c < 4; c++) {
        assertThat(type.parameterType().get(layer.betaGradient(), c)).isEqualTo(c == 3 ? 6 : 0);
        assertThat(type.parameterType().get(layer.gammaGradient(), c)).isEqualTo(c == 3 ? -6 : 0);
      }
      layer.step(GradientDescent.of(0.5));
      assertThat(type.parameterType().get(layer.beta(), 3)).isEqualTo(-3);
      assertThat(type.parameterType().get(layer.gamma(), 3)).isEqualTo(4);
    }
  }

  /** One group is layer normalization with a parameter for each channel; a group of one value is beta. */
  @Test
  void fromOneGroupToOneValue() {
    var type = DataType.FLOAT64;
    try (var group = GroupNorm.builder(1, 3).dataType(type).kernels(Kernels.checked()).build();
        var layer = LayerNorm.builder(3, 7).dataType(type).build();
        var single = GroupNorm.builder(3, 3).dataType(type).build()) {
      var x = tensor(type, Layout.CHANNELS_FIRST, 2, 3, 7, (n, c, s) -> Math.sin(n + 5 * c + 2 * s));
      var y = tensor(type, Layout.CHANNELS_FIRST, 2, 3, 7, (n, c, s) -> 0);
      var expected = tensor(type, Layout.CHANNELS_FIRST, 2, 3, 7, (n, c, s) -> 0);
      group.forward(x, y);
      layer.infer(x, expected);
      // Both are within a few roundings of the formula, of values below 2.
      require(y, (n, c, s) -> {
        var found = y.get(y.index(n, c, s));
        return Math.abs(found - expected.get(expected.index(n, c, s))) < 32 * 0x1p-53 ? found : Double.NaN;
      });
      type.set(single.beta(), 1, 7);
      var one = tensor(type, Layout.CHANNELS_FIRST, 2, 3, 1, (n, c, s) -> n + c);
      single.forward(one, one);
      require(one, (n, c, s) -> c == 1 ? 7 : 0);
    }
  }

  @Test
  void batchesOfAnyShapeAndLayout() {
    try (var layer = GroupNorm.builder(2, 6).kernels(Kernels.checked()).build()) {
      for (var batch : new long[] {1, 3, 40, 2}) {
        for (var layout : Layout.values()) {
          var x = tensor(DataType.FLOAT32, layout, batch, 6, 11, (n, c, s) -> Math.cos(n + c * s));
          var y = tensor(DataType.FLOAT32, layout, batch, 6, 11, (n, c, s) -> 0);
          layer.forward(x, y);
          layer.backward(x, y, y);
        }
      }
    }
  }

  @Test
  void theBuilderChecksItsValues() {
    requireRefused("channels must be at least 1, not 0", () -> GroupNorm.builder(1, 0));
    requireRefused(
        "groups must be at least 1 and divide the channels: 3 groups of 4 channels", () -> GroupNorm.builder(3, 4));
    requireRefused(
        "groups must be at least 1 and divide the channels: 0 groups of 4 channels", () -> GroupNorm.builder(0, 4));
    requireRefused("too many channels: " + Long.MAX_VALUE, () -> GroupNorm.builder(1, Long.MAX_VALUE));
  }

  private static void requireRefused(String message, ThrowingCallable call) {
    assertThatIllegalArgumentException().isThrownBy(call).withMessage(message);
  }
}
