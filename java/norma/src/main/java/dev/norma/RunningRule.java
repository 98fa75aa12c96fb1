package dev.norma;

/**
 * How running statistics follow the batches: {@code running = momentum * running + (1 - momentum) * batch}.
 *
 * @param momentum 0 to 1, the weight that the old running value keeps; not read where {@code cumulative}
 * @param cumulative the k-th batch has weight 1 / k instead: the mean of all batches
 * @param unbiased the running variance follows {@code variance * M / (M - 1)}, else the biased variance
 * @param refuseNonFinite a batch that would make a running value NaN or infinite changes nothing and is counted
 */
public record RunningRule(double momentum, boolean cumulative, boolean unbiased, boolean refuseNonFinite) {
  /**
   * Checks the range of the momentum.
   *
   * @throws IllegalArgumentException if the momentum is outside 0 to 1
   */
  public RunningRule {
    if (!(momentum >= 0 && momentum <= 1)) {
      throw new IllegalArgumentException("momentum must lie in 0 to 1, not " + momentum);
    }
  }

  /** The weight that the old value keeps when so many batches were taken before; an old value without is not read. */
  double kept(long batches) {
    return cumulative ? batches / (batches + 1.0) : momentum;
  }
}
