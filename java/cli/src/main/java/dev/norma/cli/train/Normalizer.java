package dev.norma.cli.train;

import ai.djl.nn.SequentialBlock;

/** Adds what normalizes, if anything does, to a network that is being built. */
@FunctionalInterface
interface Normalizer {
  void addTo(SequentialBlock network, Place place);
}
