package dev.norma.cli.train;

import java.util.ArrayList;
import java.util.List;

/** What the table means: how this run compares with the text, and where the text is at odds with itself. */
final class ResultNotes {
  private ResultNotes() {}

  static List<String> lines(Comparison comparison, int trainingImages) {
    var lines = new ArrayList<String>();
    var without = comparison.with(Normalization.NONE);
    var with = comparison.with(Normalization.BATCH);
    if (comparison.hasTrained() && without.isPresent() && with.isPresent()) {
      lines.addAll(comparedWithText(without.get(), with.get(), trainingImages));
      lines.add("");
    }
    lines.addAll(textAtOddsWithItself());
    return lines;
  }

  private static List<String> comparedWithText(Trained without, Trained with, int trainingImages) {
    return List.of(
        "With batch normalization, compared with without:",
        without.allReachedTheLoss() && with.allReachedTheLoss()
            ? "  iterations          x %.2f   (the text: x %.2f)".formatted(
                ratio(with.mean(Outcome::iterations), without.mean(Outcome::iterations)),
                ratio(Published.WITH.iterationsDone(), Published.WITHOUT.iterationsDone()))
            : "  iterations          do not compare: not all trainings reached the stopping condition",
        "  time per iteration  x %.2f   (the text: x %.2f)".formatted(
            ratio(with.mean(Outcome::millisecondsPerIteration), without.mean(Outcome::millisecondsPerIteration)),
            ratio(Published.WITH.millisecondsPerIteration(), Published.WITHOUT.millisecondsPerIteration())),
        "  test accuracy       %+.2f points   (the text: %+.2f points)".formatted(
            100 * (with.mean(Outcome::testAccuracy) - without.mean(Outcome::testAccuracy)),
            100 * (Published.WITH.accuracy() - Published.WITHOUT.accuracy())),
        "Times include the measurements on the way, in the text as well.",
        trainingImages == Published.TRAINING_IMAGES
            ? "The text trained on as many images: its numbers can be compared one by one."
            : "The text trained on 57,000 images of MNIST, this run on %,d images: only the ratios compare."
                .formatted(trainingImages));
  }

  private static double ratio(double with, double without) {
    return with / without;
  }

  private static List<String> textAtOddsWithItself() {
    var without = Published.WITHOUT;
    var with = Published.WITH;
    return """
        Where the text is at odds with itself:
          - 5,763 iterations in 6 epochs are %,.0f per epoch, 4,267 in 4 epochs %,.0f, though images and batches are
            the same. All four are counters that start at 0: 57,000 images are %d batches, and the runs ended in
            the 7th and in the 5th epoch, after %.2f and %.2f epochs.
          - It says that iterations became faster. By its own times one took %.2f ms instead of %.2f ms; what fell
            is their number, and not by enough to save time: 19 s instead of 17 s.
          - Its accuracy fell by %.2f points. With %,d test images one standard error of that difference is
            %.2f points, so the table shows neither a gain nor a loss. Its two runs also started from different
            weights, ours from the same."""
        .formatted(
            without.iterationsPerPrintedEpoch(), with.iterationsPerPrintedEpoch(),
            Published.ITERATIONS_PER_EPOCH, without.epochsDone(), with.epochsDone(),
            with.millisecondsPerIteration(), without.millisecondsPerIteration(),
            100 * (without.accuracy() - with.accuracy()), Published.TEST_IMAGES,
            100 * Published.standardErrorOfDifference())
        .lines()
        .toList();
  }
}
