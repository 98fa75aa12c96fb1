package dev.norma;

/** What is said of every layer with running statistics before it is built. */
abstract class RunningLayerBuilder<B extends RunningLayerBuilder<B>> extends LayerBuilder<B> {
  private double momentum = 0.9;
  private boolean cumulative;
  private boolean unbiased;
  private boolean refuseNonFinite;

  RunningLayerBuilder() {}

  /**
   * The weight that the OLD running value keeps: {@code running = momentum * running + (1 - momentum) * batch}.
   *
   * @param momentum 0 to 1
   * @return this builder
   * @throws IllegalArgumentException if it is out of range
   */
  public B momentum(double momentum) {
    if (!(momentum >= 0 && momentum <= 1)) {
      throw new IllegalArgumentException("momentum must lie in 0 to 1, not " + momentum);
    }
    this.momentum = momentum;
    cumulative = false;
    return self();
  }

  /**
   * The weight that the NEW batch has, which PyTorch calls momentum: {@code running = (1 - weight) * running + weight *
   * batch}.
   *
   * @param weight 0 to 1
   * @return this builder
   * @throws IllegalArgumentException if it is out of range
   */
  public B updateWeight(double weight) {
    if (!(weight >= 0 && weight <= 1)) {
      throw new IllegalArgumentException("updateWeight must lie in 0 to 1, not " + weight);
    }
    return momentum(1 - weight);
  }

  /**
   * Running statistics are the mean of all batches: the k-th has weight 1 / k.
   *
   * @return this builder
   */
  public B cumulativeAverage() {
    cumulative = true;
    return self();
  }

  /**
   * Whether the running variance follows the unbiased variance, {@code variance * M / (M - 1)} where M values were
   * normalized together. The output is always normalized by the biased one.
   *
   * @param unbiased true for unbiased
   * @return this builder
   */
  public B unbiasedVariance(boolean unbiased) {
    this.unbiased = unbiased;
    return self();
  }

  /**
   * Whether a batch that would make a running statistic NaN or infinite leaves them alone and is counted in {@code
   * refused()} of the layer. Its output is what the formula gives in any case.
   *
   * @param refuse true to refuse
   * @return this builder
   */
  public B refuseNonFinite(boolean refuse) {
    this.refuseNonFinite = refuse;
    return self();
  }

  final RunningRule rule() {
    return new RunningRule(momentum, cumulative, unbiased, refuseNonFinite);
  }
}
