package dev.norma.djl;

import ai.djl.pytorch.engine.PtNDArray;
import java.lang.foreign.MemorySegment;

/** The memory of the engine's arrays as segments. A segment does not keep its array alive: who uses it must. */
final class ArrayMemory {
  private ArrayMemory() {}

  /**
   * The values of an array, for reading. This is the array's own memory if the array is contiguous. If not, it is a
   * contiguous copy that the engine makes and attaches to the manager of the array.
   */
  static MemorySegment values(PtNDArray array) {
    long bytes = Math.multiplyExact(array.size(), (long) array.getDataType().getNumOfBytes());
    if (bytes > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          "the engine gives access to at most 2^31 - 1 bytes of an array; %s has %d: use a smaller batch"
              .formatted(array.getShape(), bytes));
    }
    return MemorySegment.ofBuffer(array.toByteBuffer(true));
  }

  /**
   * The array's own memory, for reading and writing. The engine does not say whether it made a copy, but a copy is a
   * new one each time.
   *
   * @throws IllegalArgumentException if the array is not contiguous, so that writing would change a copy
   */
  static MemorySegment own(PtNDArray array) {
    MemorySegment memory = values(array);
    if (memory.address() != values(array).address()) {
      throw new IllegalArgumentException(
          "array %s of shape %s is a view that is not contiguous: give the block a duplicate of it"
              .formatted(array.getName(), array.getShape()));
    }
    return memory;
  }
}
