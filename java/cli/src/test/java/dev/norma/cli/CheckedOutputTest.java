package dev.norma.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.norma.DataType;
import dev.norma.Kernels;
import dev.norma.Tensor;
import java.lang.foreign.Arena;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class CheckedOutputTest {
  private final Arena arena = Arena.ofConfined();

  @AfterEach
  void free() {
    arena.close();
  }

  private Tensor tensor(DataType type, double value) {
    var tensor = CheckInputs.array(arena, type, 1);
    tensor.set(0, value);
    return tensor;
  }

  private double error(DataType type, double actual, double expected, double scale) {
    return new CheckedOutput("y", tensor(type, actual), tensor(type, expected), type, (i, e) -> scale).largestError();
  }

  @Test
  void countsInUnitsInTheLastPlaceOfTheScale() {
    assertThat(error(DataType.FLOAT32, 1 + 2 * Math.ulp(1f), 1, 1)).isEqualTo(2);
    // 8 is three binades above 1, so its unit is 8 times as large.
    assertThat(error(DataType.FLOAT32, 1 + 2 * Math.ulp(1f), 1, 8)).isEqualTo(0.25);
    assertThat(error(DataType.FLOAT64, 1 - Math.ulp(1.0), 1, 1)).isEqualTo(1);
    assertThat(error(DataType.BFLOAT16, 1 + 0x1p-7, 1, 1)).isEqualTo(1);
    assertThat(error(DataType.FLOAT16, 1 + 0x1p-10, 1, 1)).isEqualTo(1);
  }

  @Test
  void theSmallestUnitIsThatOfSubnormalNumbers() {
    assertThat(error(DataType.FLOAT32, Float.MIN_VALUE, 0, 0)).isEqualTo(1);
    assertThat(error(DataType.FLOAT64, 3 * Double.MIN_VALUE, 0, 0)).isEqualTo(3);
    assertThat(error(DataType.BFLOAT16, 0x1p-133, 0, 0)).isEqualTo(1);
    assertThat(error(DataType.FLOAT16, 3 * 0x1p-24, 0, 0)).isEqualTo(3);
  }

  @Test
  void equalValuesHaveNoErrorEvenIfTheyAreNotFinite() {
    assertThat(error(DataType.FLOAT32, Double.NaN, Double.NaN, 1)).isZero();
    assertThat(error(DataType.FLOAT32, Double.POSITIVE_INFINITY, Double.POSITIVE_INFINITY, 1)).isZero();
    assertThat(error(DataType.FLOAT32, -0.0, 0.0, 1)).isZero();
  }

  @Test
  void notANumberInsteadOfANumberIsAnInfiniteError() {
    assertThat(error(DataType.FLOAT32, Double.NaN, 1, 1)).isInfinite();
    assertThat(error(DataType.FLOAT32, 1, Double.NaN, Double.NaN)).isInfinite();
    assertThat(error(DataType.FLOAT64, Double.POSITIVE_INFINITY, 1, 1)).isInfinite();
  }

  @Test
  void theReferenceAndOthersWriteToDifferentMemory() {
    var output = CheckedOutput.like("y", tensor(DataType.FLOAT32, 5), arena, DataType.FLOAT32, (i, e) -> 1);
    assertThat(output.of(Kernels.reference())).isEqualTo(output.expected().segment());
    assertThat(output.of(Kernels.checked())).isEqualTo(output.actual().segment());
    assertThat(output.actual().get(0)).isEqualTo(5);
  }
}
