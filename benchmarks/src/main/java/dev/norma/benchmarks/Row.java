package dev.norma.benchmarks;

import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;

/**
 * One row of results.csv: a measured round, or why there is none.
 *
 * @param implementation its name in the registry
 * @param language of the program that calls it
 * @param version what the runner said it is, empty if it said nothing
 * @param measured the case; empty where the implementation as a whole is missing
 * @param round from 0; empty where nothing was measured
 * @param nanoseconds mean time of a call in this round
 * @param heapBytes allocated by a call on a managed heap, where there is one
 * @param correct whether the results agree with the reference; empty where nothing was computed
 * @param error the largest error of the results, in units in the last place of the type at the size of the terms
 * @param note why there is no time: starts with "missing", "unsupported", "wrong" or "failed"; empty for a measured round
 */
public record Row(
    String implementation,
    String language,
    String version,
    Optional<Case> measured,
    OptionalInt round,
    OptionalDouble nanoseconds,
    OptionalDouble heapBytes,
    Optional<Boolean> correct,
    OptionalDouble error,
    String note) {
  /**
   * What of the memory's bandwidth is used: the least traffic of the pass over its time.
   *
   * @return gigabytes per second; empty where nothing was measured
   */
  public OptionalDouble gigabytesPerSecond() {
    return nanoseconds.isPresent()
        ? OptionalDouble.of(measured.orElseThrow().traffic() / nanoseconds.getAsDouble())
        : OptionalDouble.empty();
  }
}
