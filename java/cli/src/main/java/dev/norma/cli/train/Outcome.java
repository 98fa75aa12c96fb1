package dev.norma.cli.train;

import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * One finished training.
 *
 * @param stop why it ended
 * @param iterations how many batches were learnt
 * @param iterationsPerEpoch how many batches the training images make
 * @param seconds the time for all iterations and the measurements on the way
 * @param examplesPerSecond how many images were learnt in a second, without the measurements; NaN if none was
 * @param checkpoints what was measured on the way, in order; empty if nothing was trained
 * @param train the score on the training images at the end
 * @param test the score on the test images at the end
 * @param firstNormalization what the first normalization has learnt, if there is one
 */
record Outcome(
    Stop stop,
    long iterations,
    int iterationsPerEpoch,
    double seconds,
    double examplesPerSecond,
    List<Checkpoint> checkpoints,
    Score train,
    Score test,
    Optional<Affine> firstNormalization) {

  /** Why a training ended. */
  enum Stop {
    LOSS_REACHED,
    EPOCHS_DONE,
    DIVERGED
  }

  /** The iteration at which the validation loss was first measured at {@code loss} or less. */
  OptionalLong iterationsTo(double loss) {
    return checkpoints.stream()
        .filter(checkpoint -> checkpoint.validation().loss() <= loss)
        .mapToLong(Checkpoint::iteration)
        .findFirst();
  }

  double epochs() {
    return (double) iterations / iterationsPerEpoch;
  }

  /** NaN if nothing was trained. */
  double millisecondsPerIteration() {
    return iterations == 0 ? Double.NaN : 1e3 * seconds / iterations;
  }

  double testAccuracy() {
    return test.accuracy();
  }
}
