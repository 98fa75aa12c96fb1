package dev.norma.cli.train;

import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The same network trained with several normalizations, from the same weights and on the same batches.
 *
 * @param trained one entry per normalization, each with the same seeds
 */
record Comparison(List<Trained> trained) {
  Optional<Trained> with(Normalization normalization) {
    return trained.stream().filter(entry -> entry.normalization() == normalization).findFirst();
  }

  Stream<Outcome> outcomes() {
    return trained.stream().flatMap(entry -> entry.runs().stream());
  }

  int runs() {
    return trained.getFirst().runs().size();
  }

  boolean hasTrained() {
    return mostIterations() > 0;
  }

  long mostIterations() {
    return outcomes().mapToLong(Outcome::iterations).max().orElse(0);
  }

  boolean diverged() {
    return outcomes().anyMatch(outcome -> outcome.stop() == Outcome.Stop.DIVERGED);
  }
}
