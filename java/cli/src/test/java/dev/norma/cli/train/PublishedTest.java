package dev.norma.cli.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class PublishedTest {
  /**
   * The text's program measures, and may stop, after every int(0.05 * 891) = 44 iterations: that both of its runs ended
   * at a multiple of 44 only if its printed numbers count from 0 shows that they do.
   */
  @Test
  void bothRunsEndedAtAMeasurementIfTheirCountersStartAtZero() {
    assertThat(Published.ITERATIONS_PER_EPOCH).isEqualTo(891);
    for (var run : new Published[] {Published.WITHOUT, Published.WITH}) {
      assertThat(run.iterationsDone() % 44).isZero();
      assertThat(run.iterations() % 44).isNotZero();
      assertThat((int) run.epochsDone()).as("the index of the epoch, from 0").isEqualTo(run.epochs());
    }
  }

  @Test
  void iterationsPerPrintedEpochDiffer() {
    assertThat(Published.WITHOUT.iterationsPerPrintedEpoch()).isEqualTo(960.5);
    assertThat(Published.WITH.iterationsPerPrintedEpoch()).isEqualTo(1066.75);
  }

  @Test
  void theDifferenceOfTheAccuraciesIsNotMuchMoreThanItsStandardError() {
    // sqrt((0.9697 * 0.0303 + 0.9663 * 0.0337) / 10000)
    assertThat(Published.standardErrorOfDifference()).isCloseTo(0.00249, within(0.00001));
  }
}
