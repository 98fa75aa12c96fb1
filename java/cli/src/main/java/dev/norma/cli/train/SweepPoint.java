package dev.norma.cli.train;

/**
 * The trainings with one batch size.
 *
 * @param recipe how they trained
 * @param comparison what came out
 */
record SweepPoint(Recipe recipe, Comparison comparison) {
  int batchSize() {
    return recipe.batchSize();
  }
}
