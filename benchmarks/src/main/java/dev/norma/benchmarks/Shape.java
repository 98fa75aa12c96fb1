package dev.norma.benchmarks;

/**
 * The shape of a tensor: N x C x S.
 *
 * @param set the set of shapes that it is from
 * @param name how people call it, such as 64x56x56
 * @param batch N
 * @param channels C
 * @param spatial S, the product of the spatial extents
 * @param count how often it occurs in what the set describes: its weight in a mean
 */
public record Shape(String set, String name, long batch, long channels, long spatial, int count) {
  /**
   * The number of elements.
   *
   * @return N * C * S
   */
  public long size() {
    return batch * channels * spatial;
  }
}
