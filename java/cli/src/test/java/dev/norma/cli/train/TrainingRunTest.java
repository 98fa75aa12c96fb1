package dev.norma.cli.train;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class TrainingRunTest {
  @Test
  void theLastBatchOfAnEpochMayBeSmaller() {
    assertThat(TrainingRun.iterationsPerEpoch(128, 64)).isEqualTo(2);
    assertThat(TrainingRun.iterationsPerEpoch(130, 64)).isEqualTo(3);
    assertThat(TrainingRun.iterationsPerEpoch(50, 64)).isEqualTo(1);
  }

  @Test
  void aSingleImageThatIsLeftOverMakesNoBatch() {
    assertThat(TrainingRun.iterationsPerEpoch(129, 64)).isEqualTo(2);
  }
}
