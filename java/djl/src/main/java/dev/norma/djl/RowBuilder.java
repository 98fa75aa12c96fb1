package dev.norma.djl;

import java.util.Optional;

/**
 * Which axes a block normalizes together.
 *
 * @param <B> the builder itself
 */
abstract class RowBuilder<B extends RowBuilder<B>> extends BlockBuilder<B> {
  private Optional<int[]> axes = Optional.empty();

  /**
   * The axes that are normalized together, as {@link ai.djl.nn.norm.LayerNorm.Builder#axis} has them: the last ones of
   * the input, in their order.
   *
   * @param values one axis or more; default all axes but the first
   * @return this
   * @throws IllegalArgumentException if there is none
   */
  public B axis(int... values) {
    if (values.length == 0) {
      throw new IllegalArgumentException("there must be an axis to normalize: leave axis() out for all but the first");
    }
    axes = Optional.of(values.clone());
    return self();
  }

  final Optional<int[]> axes() {
    return axes;
  }
}
