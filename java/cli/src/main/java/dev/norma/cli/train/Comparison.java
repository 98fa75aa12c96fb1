package dev.norma.cli.train;

/**
 * The same network trained twice from the same weights, on the same batches.
 *
 * @param without without batch normalization
 * @param with with batch normalization
 */
record Comparison(Outcome without, Outcome with) {
  boolean trained() {
    return without.iterations() > 0;
  }

  long mostIterations() {
    return Math.max(without.iterations(), with.iterations());
  }

  boolean bothReachedTheLoss() {
    return without.stop() == Outcome.Stop.LOSS_REACHED && with.stop() == Outcome.Stop.LOSS_REACHED;
  }

  boolean diverged() {
    return without.stop() == Outcome.Stop.DIVERGED || with.stop() == Outcome.Stop.DIVERGED;
  }
}
