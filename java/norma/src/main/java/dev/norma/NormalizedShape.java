package dev.norma;

import java.util.Arrays;
import java.util.Objects;

/** The last axes of a tensor, in the order of memory, which are normalized together. */
final class NormalizedShape {
  private final long[] extents;
  private final long length;

  NormalizedShape(long... extents) {
    this.extents = extents.clone();
    if (extents.length == 0) {
      throw new IllegalArgumentException("normalizedShape needs at least one extent");
    }
    this.length = length(this.extents);
  }

  private static long length(long[] extents) {
    var length = 1L;
    try {
      for (var extent : extents) {
        if (extent < 1) {
          throw new IllegalArgumentException(
              "the extents of normalizedShape must be at least 1: " + Arrays.toString(extents));
        }
        length = Math.multiplyExact(length, extent);
      }
      Math.multiplyExact(length, (long) Double.BYTES);
    } catch (ArithmeticException overflow) {
      throw new IllegalArgumentException("normalizedShape is too large: " + Arrays.toString(extents), overflow);
    }
    return length;
  }

  /** The number of elements that are normalized together. */
  long length() {
    return length;
  }

  long[] extents() {
    return extents.clone();
  }

  /** Refuses a tensor that does not fall into rows of this shape. */
  void requireRows(String name, Tensor tensor, DataType type) {
    Objects.requireNonNull(tensor, name);
    if (tensor.dataType() != type || !(tensor.endsIn(extents) || tensor.endsInRowsOf(length))) {
      throw new IllegalArgumentException(
          "%s is %s, but the layer normalizes %s of %s, the last extents in the order of memory"
              .formatted(name, tensor, Arrays.toString(extents), type));
    }
  }

  long rowsOf(Tensor tensor) {
    return tensor.size() / length;
  }
}
