package dev.norma;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class TensorTest {
  @AutoClose private final Arena arena = Arena.ofConfined();

  @ParameterizedTest
  @EnumSource
  void aNewTensorIsZeroAndAligned(DataType type) {
    var tensor = Tensor.allocate(arena, type, Layout.CHANNELS_LAST, 2, 3, 4, 5, 6);
    assertThat(tensor.segment().byteSize()).isEqualTo(720L * type.bytes());
    assertThat(tensor.segment().address() % 64).isZero();
    assertThat(tensor.toDoubles()).containsOnly(0).hasSize(720);
    assertThat(tensor.batch()).isEqualTo(2);
    assertThat(tensor.channels()).isEqualTo(3);
    assertThat(tensor.spatial()).isEqualTo(120);
    assertThat(tensor.size()).isEqualTo(720);
    assertThat(tensor.extents()).containsExactly(2, 3, 4, 5, 6);
    assertThat(tensor).hasToString(type + " CHANNELS_LAST [2, 3, 4, 5, 6]");
  }

  @Test
  void aViewSharesTheMemory() {
    var segment = arena.allocate(24, 4);
    var tensor = Tensor.of(segment, DataType.FLOAT32, Layout.CHANNELS_FIRST, 2, 3);
    tensor.copyFrom(1f, 2f, 3f, 4f, 5f, 6f);
    assertThat(segment.getAtIndex(JAVA_FLOAT, 5)).isEqualTo(6);
    assertThat(tensor.toFloats()).containsExactly(1, 2, 3, 4, 5, 6);
    assertThat(tensor.segment()).isSameAs(segment);
    assertThat(tensor.spatial()).isEqualTo(1);
  }

  @Test
  void layoutsOrderTheElements() {
    var first = Tensor.allocate(arena, DataType.FLOAT32, Layout.CHANNELS_FIRST, 2, 3, 4);
    var last = Tensor.allocate(arena, DataType.FLOAT32, Layout.CHANNELS_LAST, 2, 3, 4);
    assertThat(first.index(1, 2, 3)).isEqualTo((1 * 3 + 2) * 4 + 3);
    assertThat(last.index(1, 2, 3)).isEqualTo((1 * 4 + 3) * 3 + 2);
    assertThat(first.index(1, 0, 1)).isEqualTo(13);
    assertThat(last.index(1, 0, 1)).isEqualTo(15);
    assertThatExceptionOfType(IndexOutOfBoundsException.class).isThrownBy(() -> first.index(2, 0, 0));
    assertThatExceptionOfType(IndexOutOfBoundsException.class).isThrownBy(() -> first.get(24));
  }

  @Test
  void valuesAreRoundedToTheType() {
    var tensor = Tensor.allocate(arena, DataType.FLOAT32, Layout.CHANNELS_FIRST, 1, 2);
    tensor.copyFrom(0.1, 1e300);
    assertThat(tensor.toDoubles()).containsExactly((double) 0.1f, Double.POSITIVE_INFINITY);
    var brain = Tensor.allocate(arena, DataType.BFLOAT16, Layout.CHANNELS_FIRST, 1, 3);
    brain.copyFrom(0.1, 70000, 1e300);
    assertThat(brain.toDoubles()).containsExactly(0.10009765625, 70144, Double.POSITIVE_INFINITY);
    var half = Tensor.allocate(arena, DataType.FLOAT16, Layout.CHANNELS_FIRST, 1, 3);
    half.copyFrom(0.1f, 70000f, Float.NaN);
    assertThat(half.toFloats()).containsExactly(0.0999755859375f, Float.POSITIVE_INFINITY, Float.NaN);
  }

  @Test
  void elementsOf16BitsAreTheirBits() {
    var segment = arena.allocate(6, 2);
    segment.setAtIndex(JAVA_SHORT, 1, (short) 0xc000);
    for (var type : new DataType[] {DataType.BFLOAT16, DataType.FLOAT16}) {
      assertThat(type.valueLayout()).isEqualTo(JAVA_SHORT);
      assertThat(type.parameterType()).isEqualTo(DataType.FLOAT32);
      assertThat(Tensor.of(segment, type, Layout.CHANNELS_FIRST, 1, 3).toDoubles()).containsExactly(0, -2, 0);
    }
  }

  @Test
  void extentsAreChecked() {
    assertRefused("a tensor has 2 to 5 extents, not [3]", 3);
    assertRefused("a tensor has 2 to 5 extents, not [1, 1, 1, 1, 1, 1]", 1, 1, 1, 1, 1, 1);
    assertRefused("extents must be at least 1: [2, 0]", 2, 0);
    assertRefused("extents must be at least 1: [2, -1, 4]", 2, -1, 4);
    assertRefused("a tensor of extents [4294967296, 4294967296] exceeds 2^63 - 1 bytes", 1L << 32, 1L << 32);
  }

  private void assertRefused(String message, long... extents) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Tensor.allocate(arena, DataType.FLOAT32, Layout.CHANNELS_FIRST, extents))
        .withMessage(message);
  }

  @Test
  void theCallersArrayIsCopied() {
    var extents = new long[] {2, 3};
    var tensor = Tensor.allocate(arena, DataType.FLOAT32, Layout.CHANNELS_FIRST, extents);
    extents[0] = 9;
    tensor.extents()[1] = 9;
    assertThat(tensor.extents()).containsExactly(2, 3);
  }

  @Test
  void aHeapSegmentIsRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(
            () -> Tensor.of(MemorySegment.ofArray(new float[6]), DataType.FLOAT32, Layout.CHANNELS_FIRST, 2, 3))
        .withMessageContaining("heap segment")
        .withMessageContaining("Tensor.allocate");
  }

  @Test
  void aSegmentOfAnotherSizeIsRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Tensor.of(arena.allocate(28, 4), DataType.FLOAT32, Layout.CHANNELS_FIRST, 2, 3))
        .withMessage("a FLOAT32 tensor of extents [2, 3] takes 24 bytes, not the 28 of the segment");
  }

  @Test
  void aMisalignedSegmentIsRefused() {
    var segment = arena.allocate(32, 8).asSlice(2, 24);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Tensor.of(segment, DataType.FLOAT32, Layout.CHANNELS_FIRST, 2, 3))
        .withMessageContaining("misaligned");
  }

  @Test
  void rowsAreOneAfterTheOther() {
    var tensor = Tensor.rows(arena, DataType.FLOAT16, 3, 5);
    assertThat(tensor.extents()).containsExactly(3, 5);
    assertThat(tensor.index(1, 2, 0)).isEqualTo(7);
    var view = Tensor.rows(tensor.segment(), DataType.FLOAT16, 5, 3);
    view.set(7, 4);
    assertThat(tensor.get(7)).isEqualTo(4);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Tensor.rows(arena, DataType.FLOAT16, 3, 0))
        .withMessage("extents must be at least 1: [3, 0]");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Tensor.rows(tensor.segment(), DataType.FLOAT32, 3, 5))
        .withMessage("a FLOAT32 tensor of extents [3, 5] takes 60 bytes, not the 30 of the segment");
  }

  @Test
  void copyFromWantsAllElements() {
    var tensor = Tensor.allocate(arena, DataType.FLOAT64, Layout.CHANNELS_FIRST, 2, 3);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> tensor.copyFrom(1.0, 2.0))
        .withMessage("2 values for a tensor of extents [2, 3]");
    assertThatIllegalArgumentException().isThrownBy(() -> tensor.copyFrom(new float[7]));
  }
}
