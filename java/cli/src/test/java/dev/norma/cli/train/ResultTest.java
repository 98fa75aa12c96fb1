package dev.norma.cli.train;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

/** The table and the notes, for outcomes made by hand. */
class ResultTest {
  private static Outcome outcome(Outcome.Stop stop, long iterations, double seconds, double accuracy) {
    var score = new Score(0.11, 0.9);
    var checkpoints = List.of(
        new Checkpoint(iterations / 2, score, new Score(0.4, 0.8)), new Checkpoint(iterations, score, score));
    return new Outcome(stop, iterations, 100, seconds, checkpoints, new Score(0.2, accuracy));
  }

  private static final Outcome WITHOUT = outcome(Outcome.Stop.LOSS_REACHED, 1000, 4, 0.96);
  private static final Outcome WITH = outcome(Outcome.Stop.LOSS_REACHED, 500, 3, 0.97);

  private static String notes(Comparison comparison, int images) {
    return String.join("\n", ResultNotes.lines(comparison, images));
  }

  @Test
  void theTableHasBothRunsBesideTheText() {
    assertThat(String.join("\n", ResultTable.lines(new Comparison(WITHOUT, WITH), 0.12)))
        .containsPattern("epochs +10.00 +5.00 +6 +4\n")
        .containsPattern("iterations +1,000 +500 +5,763 +4,267\n")
        .containsPattern("to loss 0.5 +500 +250 +- +-\n")
        .containsPattern("to loss 0.25 +1,000 +500 +- +-\n")
        .containsPattern("time +4.00 s +3.00 s +17 s +19 s\n")
        .containsPattern("time per iteration +4.00 ms +6.00 ms +2.95 ms +4.45 ms\n")
        .containsPattern("test accuracy +96.00 % +97.00 % +96.97 % +96.63 %");
  }

  @Test
  void theNotesCompareRatios() {
    assertThat(notes(new Comparison(WITHOUT, WITH), 1000))
        .contains("iterations          x 0.50   (the text: x 0.74)")
        .contains("time per iteration  x 1.50   (the text: x 1.51)")
        .contains("test accuracy       +1.00 points   (the text: -0.34 points)")
        .contains("this run on 1,000 images: only the ratios compare");
  }

  @Test
  void asManyImagesAsTheTextCompareOneByOne() {
    assertThat(notes(new Comparison(WITHOUT, WITH), 57_000)).contains("can be compared one by one");
  }

  @Test
  void iterationsDoNotCompareWhereTheConditionWasNotReached() {
    var unfinished = outcome(Outcome.Stop.EPOCHS_DONE, 3000, 9, 0.9);
    assertThat(notes(new Comparison(unfinished, WITH), 1000)).contains("iterations          do not compare");
  }

  @Test
  void theNotesSayWhereTheTextIsAtOddsWithItself() {
    assertThat(notes(new Comparison(WITHOUT, WITH), 1000))
        .contains("961 per epoch", "1,067", "891 batches", "6.47 and 4.79 epochs")
        .contains("4.45 ms instead of 2.95 ms")
        .contains("fell by 0.34 points", "0.25 points");
  }

  @Test
  void nothingTrainedLeavesNothingToCompare() {
    var untrained = new Outcome(Outcome.Stop.EPOCHS_DONE, 0, 100, 0, List.of(), new Score(2.3, 0.1));
    var comparison = new Comparison(untrained, untrained);
    assertThat(String.join("\n", ResultTable.lines(comparison, 0.12)))
        .containsPattern("ended by +not trained +not trained")
        .containsPattern("test accuracy +10.00 % +10.00 %");
    assertThat(notes(comparison, 1000)).doesNotContain("compared with without");
  }
}
