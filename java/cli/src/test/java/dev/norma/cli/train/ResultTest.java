package dev.norma.cli.train;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** The table and the notes, for outcomes made by hand. */
class ResultTest {
  private static Outcome outcome(Outcome.Stop stop, long iterations, double seconds, double accuracy) {
    var score = new Score(0.11, 0.9);
    var checkpoints = List.of(
        new Checkpoint(iterations / 2, score, new Score(0.4, 0.8)), new Checkpoint(iterations, score, score));
    return new Outcome(
        stop, iterations, 100, seconds, 1000, checkpoints, score, new Score(0.2, accuracy), Optional.empty());
  }

  private static final Outcome WITHOUT = outcome(Outcome.Stop.LOSS_REACHED, 1000, 4, 0.96);
  private static final Outcome WITH = outcome(Outcome.Stop.LOSS_REACHED, 500, 3, 0.97);

  private static Comparison comparison(List<Outcome> without, List<Outcome> with) {
    return new Comparison(
        List.of(new Trained(Normalization.NONE, without), new Trained(Normalization.BATCH, with)));
  }

  private static Comparison comparison(Outcome without, Outcome with) {
    return comparison(List.of(without), List.of(with));
  }

  private static String table(Comparison comparison) {
    return String.join("\n", ResultTable.lines(comparison, 0.12));
  }

  private static String notes(Comparison comparison, int images) {
    return String.join("\n", ResultNotes.lines(comparison, images));
  }

  @Test
  void theTableHasBothRunsBesideTheText() {
    assertThat(table(comparison(WITHOUT, WITH)))
        .containsPattern("epochs +10.00 +5.00 +6 +4\n")
        .containsPattern("iterations +1,000 +500 +5,763 +4,267\n")
        .containsPattern("to loss 0.5 +500 +250 +- +-\n")
        .containsPattern("to loss 0.25 +1,000 +500 +- +-\n")
        .containsPattern("time +4.00 s +3.00 s +17 s +19 s\n")
        .containsPattern("time per iteration +4.00 ms +6.00 ms +2.95 ms +4.45 ms\n")
        .containsPattern("test accuracy +96.00 % +97.00 % +96.97 % +96.63 %");
  }

  @Test
  void severalRunsHaveAMeanAndADeviation() {
    var slower = outcome(Outcome.Stop.EPOCHS_DONE, 1200, 6, 0.95);
    var comparison = comparison(List.of(WITHOUT, slower), List.of(WITH, WITH));
    // The standard deviation of two values is their distance over the square root of 2.
    assertThat(table(comparison))
        .contains("2 runs, mean ± dev.")
        .containsPattern("ended by +condition: 1 of 2 +condition: 2 of 2 +the condition")
        .containsPattern("iterations +1,100 ± 141 +500 ± 0 +5,763 +4,267\n")
        .containsPattern("to loss 0.5 +550 ± 71 +250 ± 0 +-")
        .containsPattern("time +5.00 ± 1.41 s +3.00 ± 0.00 s")
        .containsPattern("test accuracy +95.50 ± 0.71 % +97.00 ± 0.00 %");
    assertThat(notes(comparison, 1000)).contains("test accuracy       +1.50 points");
  }

  @Test
  void aNormalizationWithoutItsCounterpartIsNotComparedWithTheText() {
    var comparison = new Comparison(List.of(new Trained(Normalization.BATCH, List.of(WITH))));
    assertThat(table(comparison)).containsPattern("iterations +500 +5,763 +4,267\n");
    assertThat(notes(comparison, 1000)).doesNotContain("compared with without").contains("at odds with itself");
  }

  @Test
  void theNotesCompareRatios() {
    assertThat(notes(comparison(WITHOUT, WITH), 1000))
        .contains("iterations          x 0.50   (the text: x 0.74)")
        .contains("time per iteration  x 1.50   (the text: x 1.51)")
        .contains("test accuracy       +1.00 points   (the text: -0.34 points)")
        .contains("this run on 1,000 images: only the ratios compare");
  }

  @Test
  void asManyImagesAsTheTextCompareOneByOne() {
    assertThat(notes(comparison(WITHOUT, WITH), 57_000)).contains("can be compared one by one");
  }

  @Test
  void iterationsDoNotCompareWhereTheConditionWasNotReached() {
    var unfinished = outcome(Outcome.Stop.EPOCHS_DONE, 3000, 9, 0.9);
    assertThat(notes(comparison(unfinished, WITH), 1000)).contains("iterations          do not compare");
  }

  @Test
  void theNotesSayWhereTheTextIsAtOddsWithItself() {
    assertThat(notes(comparison(WITHOUT, WITH), 1000))
        .contains("961 per epoch", "1,067", "891 batches", "6.47 and 4.79 epochs")
        .contains("4.45 ms instead of 2.95 ms")
        .contains("fell by 0.34 points", "0.25 points");
  }

  @Test
  void nothingTrainedLeavesNothingToCompare() {
    var untrained = new Outcome(Outcome.Stop.EPOCHS_DONE, 0, 100, 0, Double.NaN, List.of(),
        new Score(2.3, 0.1), new Score(2.3, 0.1), Optional.empty());
    var comparison = comparison(untrained, untrained);
    assertThat(table(comparison))
        .containsPattern("ended by +not trained +not trained")
        .containsPattern("test accuracy +10.00 % +10.00 %");
    assertThat(notes(comparison, 1000)).doesNotContain("compared with without");
  }
}
