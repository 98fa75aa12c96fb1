package dev.norma;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.data.Offset.offset;

import java.lang.foreign.Arena;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What a layer normalization does with tensors. */
class LayerNormTest {
  @AutoClose private final Arena arena = Arena.ofConfined();

  /** Rows with means 3 and -1, biased variances 5 and 1. */
  private Tensor rows() {
    return Tensor.rows(arena, DataType.FLOAT32, 2, 4).copyFrom(0f, 2f, 4f, 6f, 0f, -2f, 0f, -2f);
  }

  private Tensor like(Tensor tensor) {
    return Tensor.allocate(arena, tensor.dataType(), tensor.layout(), tensor.extents());
  }

  @Test
  void aNewLayerHasTheDefaultsOfPyTorch() {
    try (var layer = LayerNorm.builder(2, 2).build()) {
      assertThat(layer.epsilon()).isEqualTo(1e-5);
      assertThat(layer.dataType()).isEqualTo(DataType.FLOAT32);
      assertThat(layer.gamma().toArray(JAVA_FLOAT)).containsExactly(1, 1, 1, 1);
      assertThat(layer.beta().toArray(JAVA_FLOAT)).containsExactly(0, 0, 0, 0);
      assertThat(layer.normalizedShape()).containsExactly(2, 2);
      assertThat(layer.length()).isEqualTo(4);
    }
  }

  /** Of the second row, whose deviation is 1, all is exact. */
  @ParameterizedTest
  @EnumSource
  void rowsAreNormalizedByTheirOwnMoments(DataType type) {
    try (var layer = LayerNorm.builder(4).dataType(type).epsilon(0).build()) {
      var x = Tensor.rows(arena, type, 2, 4).copyFrom(0f, 2f, 4f, 6f, 0f, -2f, 0f, -2f);
      type.parameterType().set(layer.gamma(), 0, 3);
      type.parameterType().set(layer.beta(), 1, 0.5);
      var y = like(x);
      layer.forward(x, y);
      assertThat(y.toDoubles()).endsWith(3, -0.5, 1, -1);
      // (0 - 3) / sqrt(5) * 3, rounded a few times.
      assertThat(y.get(0)).isCloseTo(-9 / Math.sqrt(5), offset(4 * type.ulp(4)));
      var inferred = like(x);
      layer.infer(x, inferred);
      assertThat(inferred.segment().mismatch(y.segment())).isEqualTo(-1);
    }
  }

  /** The gradients of the second row, with xHat = 1, -1, 1, -1, by the formulas: g = 3, 1, 0, 0 has mean 1. */
  @Test
  void gradients() {
    try (var layer = LayerNorm.builder(4).epsilon(0).build()) {
      layer.gamma().setAtIndex(JAVA_FLOAT, 0, 3);
      var x = rows();
      var dy = Tensor.rows(arena, DataType.FLOAT32, 2, 4).copyFrom(0f, 0f, 0f, 0f, 1f, 1f, 0f, 0f);
      layer.forward(x, like(x));
      layer.backward(x, dy, dy);
      // mean of g * xHat is (3 - 1) / 4.
      assertThat(dy.toFloats()).containsExactly(0, 0, 0, 0, 1.5f, 0.5f, -1.5f, -0.5f);
      assertThat(layer.gammaGradient().toArray(JAVA_FLOAT)).containsExactly(1, -1, 0, 0);
      assertThat(layer.betaGradient().toArray(JAVA_FLOAT)).containsExactly(1, 1, 0, 0);
      layer.step(GradientDescent.of(0.5));
      assertThat(layer.gamma().toArray(JAVA_FLOAT)).containsExactly(2.5f, 1.5f, 1, 1);
      assertThat(layer.beta().toArray(JAVA_FLOAT)).containsExactly(-0.5f, -0.5f, 0, 0);
    }
  }

  /** Whatever axes come before, and with the channels last as in memory. */
  @Test
  void theLastAxesInMemoryAreNormalized() {
    var values = new float[48];
    for (var i = 0; i < values.length; i++) {
      values[i] = (float) Math.sin(i);
    }
    try (var layer = LayerNorm.builder(2, 4).kernels(Kernels.checked()).build()) {
      var expected = Tensor.rows(arena, DataType.FLOAT32, 6, 8).copyFrom(values);
      layer.infer(expected, expected);
      for (var x :
          new Tensor[] {
            Tensor.allocate(arena, DataType.FLOAT32, Layout.CHANNELS_FIRST, 6, 2, 4),
            Tensor.allocate(arena, DataType.FLOAT32, Layout.CHANNELS_FIRST, 3, 2, 2, 4),
            Tensor.allocate(arena, DataType.FLOAT32, Layout.CHANNELS_LAST, 3, 4, 2, 2),
            Tensor.allocate(arena, DataType.FLOAT32, Layout.CHANNELS_LAST, 6, 4, 2)
          }) {
        layer.forward(x.copyFrom(values), x);
        assertThat(x.segment().mismatch(expected.segment())).isEqualTo(-1);
      }
      layer.infer(Tensor.allocate(arena, DataType.FLOAT32, Layout.CHANNELS_FIRST, 2, 4), rows8());
    }
  }

  private Tensor rows8() {
    return Tensor.allocate(arena, DataType.FLOAT32, Layout.CHANNELS_FIRST, 2, 4);
  }

  @Test
  void otherLastAxesAreRefused() {
    try (var layer = LayerNorm.builder(2, 4).build()) {
      for (var x :
          new Tensor[] {
            Tensor.rows(arena, DataType.FLOAT32, 4, 4),
            Tensor.allocate(arena, DataType.FLOAT32, Layout.CHANNELS_FIRST, 3, 4, 2),
            Tensor.allocate(arena, DataType.FLOAT32, Layout.CHANNELS_LAST, 3, 2, 4),
            Tensor.allocate(arena, DataType.FLOAT32, Layout.CHANNELS_FIRST, 1, 1, 8)
          }) {
        requireRefused(
            "x is " + x + ", but the layer normalizes [2, 4] of FLOAT32, the last extents in the order of memory",
            () -> layer.infer(x, x));
      }
    }
    try (var layer = LayerNorm.builder(2, 2, 2).build()) {
      var x = Tensor.allocate(arena, DataType.FLOAT32, Layout.CHANNELS_FIRST, 2, 2);
      requireRefused(
          "x is " + x + ", but the layer normalizes [2, 2, 2] of FLOAT32, the last extents in the order of memory",
          () -> layer.infer(x, x));
    }
  }

  @Test
  void aLayerWithoutParametersOrWithoutBeta() {
    try (var plain = LayerNorm.builder(4).affine(false).epsilon(0).build();
        var scaled = LayerNorm.builder(4).bias(false).epsilon(0).kernels(Kernels.checked()).build()) {
      var y = like(rows());
      plain.forward(rows(), y);
      assertThat(y.toFloats()).endsWith(1, -1, 1, -1);
      plain.backward(rows(), y, like(y));
      scaled.gamma().setAtIndex(JAVA_FLOAT, 2, 2);
      scaled.forward(rows(), y);
      assertThat(y.toFloats()).endsWith(1, -1, 2, -1);
      scaled.backward(rows(), y, like(y));
      scaled.step(GradientDescent.of(1));
      assertThat(scaled.gamma().getAtIndex(JAVA_FLOAT, 2)).isNotEqualTo(2);
    }
  }

  /** Batches that grow and shrink, each compared with the reference. */
  @Test
  void batchesOfAnySize() {
    try (var layer = LayerNorm.builder(5).kernels(Kernels.checked()).build()) {
      for (var rows : new long[] {1, 3, 100, 2, 1000, 1}) {
        var x = Tensor.rows(arena, DataType.FLOAT32, rows, 5);
        for (var i = 0L; i < x.size(); i++) {
          x.set(i, Math.cos(i));
        }
        var dy = like(x);
        layer.forward(x, dy);
        layer.backward(x, dy, dy);
      }
    }
  }

  /** The target is 2 xHat + 0.5; the loss is half the mean squared distance. */
  @ParameterizedTest
  @EnumSource(names = {"FLOAT32", "FLOAT64"})
  void aLayerLearns(DataType type) {
    var x = Tensor.rows(arena, type, 64, 6);
    var random = Problem.generator(4);
    for (var i = 0L; i < x.size(); i++) {
      x.set(i, random.nextGaussian() * 3 + 100);
    }
    try (var target = LayerNorm.builder(6).dataType(type).build();
        var layer = LayerNorm.builder(6).dataType(type).kernels(Kernels.checked()).build()) {
      for (var l = 0; l < 6; l++) {
        type.set(target.gamma(), l, 2);
        type.set(target.beta(), l, 0.5);
      }
      var wanted = like(x);
      var y = like(x);
      target.infer(x, wanted);
      for (var step = 0; step < 200; step++) {
        layer.forward(x, y);
        for (var i = 0L; i < y.size(); i++) {
          y.set(i, (y.get(i) - wanted.get(i)) / 64);
        }
        layer.backward(x, y, y);
        layer.step(GradientDescent.of(0.3).withMomentum(0.5));
      }
      for (var l = 0; l < 6; l++) {
        assertThat(type.get(layer.gamma(), l)).isCloseTo(2, offset(1e-3));
        assertThat(type.get(layer.beta(), l)).isCloseTo(0.5, offset(1e-3));
      }
    }
  }

  @Test
  void theBuilderChecksItsValues() {
    requireRefused("normalizedShape needs at least one extent", LayerNorm::builder);
    requireRefused("the extents of normalizedShape must be at least 1: [3, 0]", () -> LayerNorm.builder(3, 0));
    requireRefused(
        "normalizedShape is too large: [9223372036854775807, 2]", () -> LayerNorm.builder(Long.MAX_VALUE, 2));
    requireRefused("normalizedShape is too large: [9223372036854775807]", () -> LayerNorm.builder(Long.MAX_VALUE));
    requireRefused("epsilon must be at least 0 and finite, not -1.0", () -> LayerNorm.builder(1).epsilon(-1));
    requireRefused("threads must be at least 0, not -1", () -> RmsNorm.builder(1).threads(-1));
  }

  private static void requireRefused(String message, ThrowingCallable call) {
    assertThatIllegalArgumentException().isThrownBy(call).withMessage(message);
  }
}
