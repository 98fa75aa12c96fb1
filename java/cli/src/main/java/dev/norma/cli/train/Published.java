package dev.norma.cli.train;

/**
 * The results that the text gives for MNIST: 60,000 images, of which a twentieth validates, in batches of 64.
 *
 * @param epochs as printed
 * @param iterations as printed
 * @param seconds as printed
 * @param accuracy on the test images
 */
record Published(int epochs, int iterations, double seconds, double accuracy) {
  static final Published WITHOUT = new Published(6, 5763, 17, 0.9697);
  static final Published WITH = new Published(4, 4267, 19, 0.9663);
  static final int TRAINING_IMAGES = 57_000;
  static final int TEST_IMAGES = 10_000;
  static final int BATCH_SIZE = 64;
  static final double STOP_LOSS = 0.12;
  static final int ITERATIONS_PER_EPOCH = TrainingRun.iterationsPerEpoch(TRAINING_IMAGES, BATCH_SIZE);

  double iterationsPerPrintedEpoch() {
    return (double) iterations / epochs;
  }

  /** The program prints the index of its last iteration, from 0. */
  int iterationsDone() {
    return iterations + 1;
  }

  double epochsDone() {
    return (double) iterationsDone() / ITERATIONS_PER_EPOCH;
  }

  double millisecondsPerIteration() {
    return 1e3 * seconds / iterationsDone();
  }

  /** One standard error of the difference of the two accuracies, each a share of {@link #TEST_IMAGES} images. */
  static double standardErrorOfDifference() {
    return Math.sqrt((WITHOUT.variance() + WITH.variance()) / TEST_IMAGES);
  }

  private double variance() {
    return accuracy * (1 - accuracy);
  }
}
