package dev.norma.djl;

import dev.norma.RunningRule;

/**
 * The options of blocks that may have running statistics.
 *
 * @param <B> the builder itself
 */
abstract class RunningBuilder<B extends RunningBuilder<B>> extends CenteredBuilder<B> {
  private float momentum = 0.9f;

  /**
   * The weight that the old running value keeps. PyTorch itself names the other weight: its 0.1 is 0.9 here.
   *
   * @param value 0 to 1; default 0.9
   * @return this
   * @throws IllegalArgumentException if it is out of range
   */
  public B optMomentum(float value) {
    if (!(value >= 0 && value <= 1)) {
      throw new IllegalArgumentException("momentum must lie in 0 to 1, not " + value);
    }
    momentum = value;
    return self();
  }

  /** The running variance is unbiased, as the engine's. */
  final RunningRule rule() {
    return new RunningRule(momentum, false, true, false);
  }
}
