package dev.norma.cli.train;

import ai.djl.nn.Block;
import java.util.Optional;

/**
 * What a normalization has learnt.
 *
 * @param gamma what it multiplies by
 * @param beta what it adds
 */
record Affine(float[] gamma, float[] beta) {
  /** Of the first normalization in a network, if there is one. */
  static Optional<Affine> firstOf(Block network) {
    return network.getChildren().values().stream()
        .map(Block::getDirectParameters)
        .filter(parameters -> parameters.contains("gamma") && parameters.contains("beta"))
        .findFirst()
        .map(parameters -> new Affine(
            parameters.get("gamma").getArray().toFloatArray(), parameters.get("beta").getArray().toFloatArray()));
  }
}
