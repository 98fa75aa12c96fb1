package dev.norma;

/**
 * A group normalization, or with as many groups as channels an instance normalization: the shape of its tensor and how
 * to compute it.
 *
 * @param batch N, at least 1
 * @param channels C, at least 1
 * @param spatial S, the product of the spatial extents, at least 1
 * @param groups G, at least 1, a divisor of C
 * @param epsilon at least 0 and finite; added to the variance
 * @param dataType of the tensors, which decides the type of the parameters
 * @param layout of the tensors
 * @param threads the largest team of one call; 0 is the default of the OpenMP runtime
 */
public record GroupNormDescriptor(
    long batch,
    long channels,
    long spatial,
    long groups,
    double epsilon,
    DataType dataType,
    Layout layout,
    int threads) {
  /**
   * Checks the ranges.
   *
   * @throws IllegalArgumentException if a value is outside its range, or a size in bytes exceeds a long
   */
  public GroupNormDescriptor {
    var tensor = new BatchNormDescriptor(batch, channels, spatial, epsilon, dataType, layout, threads);
    requireGroups(groups, channels);
    if (batch > Long.MAX_VALUE / Double.BYTES / groups) {
      throw new IllegalArgumentException(
          "the statistics of %d groups of %s exceed 2^63 - 1 bytes".formatted(groups, tensor));
    }
  }

  static long requireGroups(long groups, long channels) {
    if (groups < 1 || channels % groups != 0) {
      throw new IllegalArgumentException(
          "groups must be at least 1 and divide the channels: %d groups of %d channels".formatted(groups, channels));
    }
    return groups;
  }

  /**
   * The descriptor of a tensor.
   *
   * @param tensor gives the extents, data type and layout
   * @param groups at least 1, a divisor of the channels
   * @param epsilon at least 0 and finite
   * @param threads the largest team of one call; 0 is the default of the OpenMP runtime
   * @return the descriptor
   */
  public static GroupNormDescriptor of(Tensor tensor, long groups, double epsilon, int threads) {
    return new GroupNormDescriptor(
        tensor.batch(),
        tensor.channels(),
        tensor.spatial(),
        groups,
        epsilon,
        tensor.dataType(),
        tensor.layout(),
        threads);
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
   * The number of values that are normalized together.
   *
   * @return M = C / G * S
   */
  public long valuesPerGroup() {
    return channels / groups * spatial;
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
   * The size of an array of statistics.
   *
   * @return N * G doubles in bytes
   */
  public long statisticsBytes() {
    return batch * groups * Double.BYTES;
  }
}
