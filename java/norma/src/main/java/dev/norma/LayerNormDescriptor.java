package dev.norma;

/**
 * A layer or RMS normalization: the shape of its tensor and how to compute it. The tensor is R rows of L elements, one
 * row after the other; where several last axes are normalized together, L is the product of their extents.
 *
 * @param rows R, at least 1
 * @param length L, the elements of a row, at least 1
 * @param epsilon at least 0 and finite; added to the variance or the mean square
 * @param dataType of the tensors, which decides the type of the parameters
 * @param threads the largest team of one call; 0 is the default of the OpenMP runtime
 */
public record LayerNormDescriptor(long rows, long length, double epsilon, DataType dataType, int threads) {
  /**
   * Checks the ranges.
   *
   * @throws IllegalArgumentException if a value is outside its range, or a size in bytes exceeds a long
   */
  public LayerNormDescriptor {
    if (rows < 1 || length < 1) {
      throw new IllegalArgumentException(
          "extents must be at least 1: rows %d, length %d".formatted(rows, length));
    }
    BatchNormDescriptor.requireEpsilon(epsilon);
    if (threads < 0) {
      throw new IllegalArgumentException("threads must be at least 0, not " + threads);
    }
    requireCountable(dataType, rows, length);
  }

  private static void requireCountable(DataType type, long rows, long length) {
    try {
      Math.multiplyExact(Math.multiplyExact(rows, length), (long) type.bytes());
      Math.multiplyExact(Math.max(rows, length), (long) Double.BYTES);
    } catch (ArithmeticException overflow) {
      throw new IllegalArgumentException(
          "a tensor of %d x %d elements exceeds 2^63 - 1 bytes".formatted(rows, length), overflow);
    }
  }

  /** Whether a tensor of this data type that ends in rows of this length has as many of them. */
  boolean isOf(Tensor tensor) {
    return rows * length == tensor.size();
  }

  /**
   * The size of a tensor.
   *
   * @return R * L elements in bytes
   */
  public long tensorBytes() {
    return rows * length * dataType.bytes();
  }

  /**
   * The size of a parameter array, such as gamma.
   *
   * @return L parameters in bytes
   */
  public long parameterBytes() {
    return length * dataType.parameterType().bytes();
  }

  /**
   * The size of an array of statistics.
   *
   * @return R doubles in bytes
   */
  public long statisticsBytes() {
    return rows * Double.BYTES;
  }
}
