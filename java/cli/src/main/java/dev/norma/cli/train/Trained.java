package dev.norma.cli.train;

import java.util.List;
import java.util.function.ToDoubleFunction;

/**
 * What came out of the trainings with one normalization.
 *
 * @param normalization the normalization
 * @param runs one training per seed, at least one
 */
record Trained(Normalization normalization, List<Outcome> runs) {
  Summary summary(ToDoubleFunction<Outcome> value) {
    return Summary.of(runs.stream().mapToDouble(value).toArray());
  }

  double mean(ToDoubleFunction<Outcome> value) {
    return summary(value).mean();
  }

  /** How many trainings ended this way. */
  long ended(Outcome.Stop stop) {
    return runs.stream().filter(outcome -> outcome.stop() == stop).count();
  }

  boolean allReachedTheLoss() {
    return ended(Outcome.Stop.LOSS_REACHED) == runs.size();
  }
}
