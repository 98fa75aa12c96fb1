package dev.norma.benchmarks.vector;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class TeamTest {
  /** Long enough for the threads of a team to fall asleep. */
  private static final long PAUSE = TimeUnit.MILLISECONDS.toNanos(20);

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 4})
  void everyThreadDoesItsShareOfEveryRound(int size) {
    var shares = new int[size];
    try (var team = new Team(size)) {
      for (var round = 1; round <= 1_000; round++) {
        team.run(thread -> shares[thread]++);
        assertThat(Arrays.stream(shares).distinct().toArray()).containsExactly(round);
      }
    }
  }

  @Test
  void threadsLastAndTheCallerIsOneOfThem() {
    var names = ConcurrentHashMap.<Thread>newKeySet();
    try (var team = new Team(3)) {
      for (var round = 0; round < 10; round++) {
        team.run(thread -> names.add(Thread.currentThread()));
        LockSupport.parkNanos(PAUSE);
      }
    }
    assertThat(names).hasSize(3).contains(Thread.currentThread());
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1})
  void aFailedShareFailsTheCallAfterAllHaveEnded(int failing) {
    var ended = ConcurrentHashMap.<Integer>newKeySet();
    try (var team = new Team(2)) {
      assertThatThrownBy(() -> team.run(thread -> {
        ended.add(thread);
        if (thread == failing) {
          throw new ArithmeticException("as wanted");
        }
      })).hasStackTraceContaining("as wanted");
      assertThat(ended).containsExactlyInAnyOrder(0, 1);
    }
  }

  @Test
  void threadsEndWhenTheTeamIsClosed() throws InterruptedException {
    var threads = ConcurrentHashMap.<Thread>newKeySet();
    try (var team = new Team(2)) {
      team.run(thread -> threads.add(Thread.currentThread()));
    }
    threads.remove(Thread.currentThread());
    for (var thread : threads) {
      thread.join();
    }
    assertThat(threads).hasSize(1);
  }
}
