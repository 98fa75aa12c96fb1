package dev.norma;

import java.util.function.LongConsumer;

/**
 * A batch normalization: the shape of its tensor and how to compute it.
 *
 * @param batch N, at least 1
 * @param channels C, at least 1
 * @param spatial S, the product of the spatial extents, at least 1
 * @param epsilon at least 0 and finite; added to the variance
 * @param dataType of the tensors, which decides the type of the parameters
 * @param layout of the tensors
 * @param threads the largest team of one call; 0 is the default of the OpenMP runtime
 */
public record BatchNormDescriptor(
    long batch, long channels, long spatial, double epsilon, DataType dataType, Layout layout, int threads) {
  /**
   * Checks the ranges.
   *
   * @throws IllegalArgumentException if a value is outside its range, or the tensor's size in bytes exceeds a long
   */
  public BatchNormDescriptor {
    if (batch < 1 || channels < 1 || spatial < 1) {
      throw new IllegalArgumentException(
          "extents must be at least 1: batch %d, channels %d, spatial %d".formatted(batch, channels, spatial));
    }
    requireEpsilon(epsilon);
    if (threads < 0) {
      throw new IllegalArgumentException("threads must be at least 0, not " + threads);
    }
    requireCountable(dataType, batch, channels, spatial);
  }

  static double requireEpsilon(double epsilon) {
    if (!(epsilon >= 0 && epsilon < Double.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException("epsilon must be at least 0 and finite, not " + epsilon);
    }
    return epsilon;
  }

  private static void requireCountable(DataType type, long batch, long channels, long spatial) {
    try {
      Math.multiplyExact(Math.multiplyExact(Math.multiplyExact(batch, channels), spatial), (long) type.bytes());
      Math.multiplyExact(channels, (long) Double.BYTES);
    } catch (ArithmeticException overflow) {
      throw new IllegalArgumentException(
          "a tensor of %d x %d x %d elements exceeds 2^63 - 1 bytes".formatted(batch, channels, spatial), overflow);
    }
  }

  /**
   * The descriptor of a tensor.
   *
   * @param tensor gives the extents, data type and layout
   * @param epsilon at least 0 and finite
   * @param threads the largest team of one call; 0 is the default of the OpenMP runtime
   * @return the descriptor
   */
  public static BatchNormDescriptor of(Tensor tensor, double epsilon, int threads) {
    return new BatchNormDescriptor(
        tensor.batch(), tensor.channels(), tensor.spatial(), epsilon, tensor.dataType(), tensor.layout(), threads);
  }

  /** Whether this describes a tensor. */
  boolean isOf(Tensor tensor) {
    return batch == tensor.batch()
        && spatial == tensor.spatial()
        && channels == tensor.channels()
        && layout == tensor.layout()
        && dataType == tensor.dataType();
  }

  /**
   * The number of values of a channel.
   *
   * @return M = N * S
   */
  public long valuesPerChannel() {
    return batch * spatial;
  }

  /**
   * The size of a tensor.
   *
   * @return N * C * S elements in bytes
   */
  public long tensorBytes() {
    return batch * channels * spatial * dataType.bytes();
  }

  /**
   * The size of a parameter array, such as gamma.
   *
   * @return C parameters in bytes
   */
  public long parameterBytes() {
    return channels * dataType.parameterType().bytes();
  }

  /**
   * The size of an array of batch statistics.
   *
   * @return C doubles in bytes
   */
  public long statisticsBytes() {
    return channels * Double.BYTES;
  }

  /**
   * Where an element stands in a tensor.
   *
   * @param n 0 to N - 1
   * @param c 0 to C - 1
   * @param s 0 to S - 1
   * @return the index of the element in memory
   */
  public long index(long n, long c, long s) {
    return layout.index(n, c, s, channels, spatial);
  }

  /** Calls an action with the index of each element of a channel. */
  void forEachOf(long c, LongConsumer action) {
    for (var n = 0L; n < batch; n++) {
      for (var s = 0L; s < spatial; s++) {
        action.accept(index(n, c, s));
      }
    }
  }
}
