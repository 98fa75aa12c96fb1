package dev.norma.benchmarks.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashSet;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ScheduleTest {
  private static final List<String> RUNNERS = List.of("a", "b", "c", "d");

  @Test
  void everyRoundHasEveryRunnerOnce() {
    for (int round = 0; round < 9; round++) {
      assertThat(Schedule.order(RUNNERS, round)).containsExactlyInAnyOrderElementsOf(RUNNERS);
    }
  }

  @Test
  void everyRoundBeginsWithTheNextRunner() {
    assertThat(Schedule.order(RUNNERS, 0)).containsExactly("a", "b", "c", "d");
    assertThat(Schedule.order(RUNNERS, 1)).containsExactly("b", "a", "d", "c");
    assertThat(Schedule.order(RUNNERS, 2)).containsExactly("c", "d", "a", "b");
    assertThat(IntStream.range(0, 6).mapToObj(round -> Schedule.order(RUNNERS, round).getFirst()))
        .containsExactly("a", "b", "c", "d", "a", "b");
  }

  @Test
  void nobodyAlwaysFollowsTheSameNeighbour() {
    for (var runner : RUNNERS) {
      var before = new HashSet<String>();
      for (int round = 0; round < 9; round++) {
        var order = Schedule.order(RUNNERS, round);
        int place = order.indexOf(runner);
        before.add(place == 0 ? "" : order.get(place - 1));
      }
      assertThat(before).as(runner).hasSizeGreaterThanOrEqualTo(2);
    }
  }

  @Test
  void aSlowRunnerHasThreeRoundsFromTheFirstToTheLast() {
    var schedule = new Schedule(9, 50_000_000);
    assertThat(IntStream.range(0, 9).filter(round -> schedule.hasTurn(round, true))).containsExactly(0, 4, 8);
    assertThat(IntStream.range(0, 9).filter(round -> schedule.hasTurn(round, false))).hasSize(9);
  }

  @Test
  void slowIsWhatTakesLongerThanFourTurns() {
    var schedule = new Schedule(9, 50_000_000);
    assertThat(schedule.isSlow(200_000_000)).isFalse();
    assertThat(schedule.isSlow(200_000_001)).isTrue();
    assertThat(new Schedule(3, 50_000_000).isSlow(200_000_001)).as("has no fewer rounds").isFalse();
  }
}
