package dev.norma.benchmarks.run;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * Who has a turn when. Every round begins with another runner, and every second one runs backwards, so that nobody
 * always follows the same neighbour, whose data it would find in the caches.
 *
 * @param rounds at least 1
 * @param turnNanoseconds the least length of a turn
 */
record Schedule(int rounds, long turnNanoseconds) {
  /** A call that takes longer than this many turns makes its runner a slow one. */
  static final int SLOW_TURNS = 4;

  /** The rounds of a slow runner: fewer, because each takes long, and has less noise for that. */
  static final int SLOW_ROUNDS = 3;

  /** Whether a runner has fewer rounds than there are. */
  boolean isSlow(double callNanoseconds) {
    return rounds > SLOW_ROUNDS && callNanoseconds > (double) SLOW_TURNS * turnNanoseconds;
  }

  /** Whether a runner has a turn in a round: a slow one in the first, the middle and the last. */
  boolean hasTurn(int round, boolean slow) {
    return !slow || round == 0 || round == (rounds - 1) / 2 || round == rounds - 1;
  }

  /** The order of a round: from the runner of its number on, or back. */
  static <T> List<T> order(List<T> runners, int round) {
    boolean back = round % 2 == 1;
    var order = new ArrayList<>(runners);
    Collections.rotate(order, back ? -round - 1 : -round);
    return back ? order.reversed() : order;
  }
}
