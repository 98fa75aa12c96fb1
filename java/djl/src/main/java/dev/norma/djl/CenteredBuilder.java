package dev.norma.djl;

/**
 * The options of blocks that have beta.
 *
 * @param <B> the builder itself
 */
abstract class CenteredBuilder<B extends CenteredBuilder<B>> extends BlockBuilder<B> {
  private boolean center = true;

  /**
   * Whether beta is trained.
   *
   * @param value false leaves beta as initialized; default true
   * @return this
   */
  public B optCenter(boolean value) {
    center = value;
    return self();
  }

  final boolean center() {
    return center;
  }
}
