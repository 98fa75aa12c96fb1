package dev.norma;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What an RMS normalization does with tensors. */
class RmsNormTest {
  @AutoClose private final Arena arena = Arena.ofConfined();

  private Tensor rows(DataType type, double... values) {
    return Tensor.rows(arena, type, values.length / 4, 4).copyFrom(values);
  }

  @Test
  void aNewLayer() {
    try (var layer = RmsNorm.builder(4).build()) {
      assertThat(layer.epsilon()).isEqualTo(1e-5);
      assertThat(layer.gamma().toArray(JAVA_FLOAT)).containsExactly(1, 1, 1, 1);
      assertThat(layer.normalizedShape()).containsExactly(4);
    }
  }

  /** The mean square of 2, 2, 2, 2 is 4; no mean is taken off. Of 1, 1, 1, 5 it is 7, with epsilon 9 the root is 4. */
  @ParameterizedTest
  @EnumSource
  void rowsAreDividedByTheirRoot(DataType type) {
    try (var layer = RmsNorm.builder(4).dataType(type).epsilon(9).build();
        var without = RmsNorm.builder(4).dataType(type).epsilon(0).build()) {
      type.parameterType().set(layer.gamma(), 3, 2);
      var y = rows(type, 0, 0, 0, 0);
      layer.forward(rows(type, 1, 1, 1, 5), y);
      assertThat(y.toDoubles()).containsExactly(0.25, 0.25, 0.25, 2.5);
      layer.infer(rows(type, 1, 1, 1, 5), y);
      assertThat(y.toDoubles()).containsExactly(0.25, 0.25, 0.25, 2.5);
      without.forward(rows(type, 2, 2, -2, 2), y);
      assertThat(y.toDoubles()).containsExactly(1, 1, -1, 1);
      without.forward(rows(type, 0, 0, 0, 0), y);
      assertThat(y.toDoubles()).containsOnly(0);
    }
  }

  /** With xHat = 1, 1, -1, 1 and g = 2, 0, 0, 0 the mean of g * xHat is 0.5. */
  @Test
  void gradients() {
    try (var layer = RmsNorm.builder(4).epsilon(0).build()) {
      layer.gamma().setAtIndex(JAVA_FLOAT, 0, 2);
      var x = rows(DataType.FLOAT32, 2, 2, -2, 2);
      var dy = rows(DataType.FLOAT32, 1, 0, 0, 0);
      layer.forward(x, rows(DataType.FLOAT32, 0, 0, 0, 0));
      layer.backward(x, dy, dy);
      assertThat(dy.toFloats()).containsExactly(0.75f, -0.25f, 0.25f, -0.25f);
      assertThat(layer.gammaGradient().toArray(JAVA_FLOAT)).containsExactly(1, 0, 0, 0);
      layer.step(GradientDescent.of(0.5));
      assertThat(layer.gamma().toArray(JAVA_FLOAT)).containsExactly(1.5f, 1, 1, 1);
    }
  }

  @Test
  void aLayerWithoutGamma() {
    try (var layer = RmsNorm.builder(4).affine(false).epsilon(0).kernels(Kernels.checked()).build()) {
      var x = rows(DataType.FLOAT32, 2, 2, -2, 2, 1, -1, 1, 1);
      var y = rows(DataType.FLOAT32, 0, 0, 0, 0, 0, 0, 0, 0);
      layer.forward(x, y);
      assertThat(y.toFloats()).containsExactly(1, 1, -1, 1, 1, -1, 1, 1);
      layer.backward(x, y, y);
    }
  }
}
