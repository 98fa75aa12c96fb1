package dev.norma.cli.train;

/**
 * One training.
 *
 * @param seed decides the initial weights and the order of the images
 * @param recipe how to train
 */
record TrainingOptions(long seed, Recipe recipe) {
  /** The training of the same kind whose seed is {@code run} higher. */
  TrainingOptions run(int run) {
    return new TrainingOptions(seed + run, recipe);
  }
}
