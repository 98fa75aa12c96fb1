package dev.norma.benchmarks.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class IdlenessTest {
  private static final long SECOND = 1_000_000_000L;

  @Test
  void aBusyProcessIsWaitedForUntilItWorksNoMore() throws InterruptedException {
    var polls = new AtomicInteger();

    new Idleness(() -> SECOND * Math.min(polls.incrementAndGet(), 5)).await();

    assertThat(polls).hasValue(6);
  }

  @Test
  void aProcessThatNeverRestsIsWaitedForForAWhile() throws InterruptedException {
    var polls = new AtomicInteger();

    new Idleness(() -> SECOND * polls.incrementAndGet()).await();

    assertThat(polls).hasValue(26);
  }

  @Test
  void whereTheSystemDoesNotTellTheWholeTimeIsWaited() throws InterruptedException {
    var polls = new AtomicInteger();

    new Idleness(() -> {
      polls.incrementAndGet();
      return 0;
    }).await();

    assertThat(polls).hasValue(26);
  }

  @Test
  void theSystemTellsOfThisProcess() {
    assertThat(Idleness.nanosecondsWorked(Path.of("/proc/self/task"))).isPositive();
    assertThat(Idleness.nanosecondsWorked(Path.of("/proc/0/task"))).isZero();
  }
}
