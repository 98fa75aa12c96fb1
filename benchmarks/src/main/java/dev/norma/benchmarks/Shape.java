package dev.norma.benchmarks;

/**
 * The shape of a tensor, N x C x S, and what is normalized in it. Rows have no spatial extents: they are N x C.
 *
 * @param set the set of shapes that it is from
 * @param name how people call it, such as 64x56x56
 * @param normalization what is normalized together
 * @param batch N
 * @param channels C
 * @param spatial S, the product of the spatial extents
 * @param groups of the channels of an image, each normalized by itself; 1 where there are none
 * @param count how often it occurs in what the set describes: its weight in a mean
 */
public record Shape(
    String set,
    String name,
    Normalization normalization,
    long batch,
    long channels,
    long spatial,
    long groups,
    int count) {
  /**
   * The shape of a tensor for batch normalization.
   *
   * @param set the set of shapes that it is from
   * @param name how people call it
   * @param batch N
   * @param channels C
   * @param spatial S
   * @param count its weight in a mean
   */
  public Shape(String set, String name, long batch, long channels, long spatial, int count) {
    this(set, name, Normalization.BATCH, batch, channels, spatial, 1, count);
  }

  /**
   * The number of elements.
   *
   * @return N * C * S
   */
  public long size() {
    return batch * channels * spatial;
  }

  /**
   * Whether it is a shape for an operation.
   *
   * @param operation which
   * @return true if the operation normalizes what is normalized in this shape
   */
  public boolean isOf(Operation operation) {
    return operation.normalization() == normalization;
  }

  /**
   * How many statistics there are.
   *
   * @return C for batch normalization, N x groups for the others
   */
  public long sets() {
    return normalization == Normalization.BATCH ? channels : batch * groups;
  }

  /**
   * How many values are normalized together.
   *
   * @return the values that have statistics in common
   */
  public long valuesPerSet() {
    return size() / sets();
  }
}
