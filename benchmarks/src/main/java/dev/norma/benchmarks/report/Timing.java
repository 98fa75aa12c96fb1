package dev.norma.benchmarks.report;

import dev.norma.benchmarks.Case;
import dev.norma.benchmarks.Row;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.TreeMap;
import java.util.function.DoubleBinaryOperator;
import java.util.function.Function;

/**
 * What was measured of one implementation in one case.
 *
 * @param name of the implementation, or of what stands for several
 * @param measured the case
 * @param beside the case of Norma to compare with: another one where Norma does not have the layout
 * @param rounds nanoseconds of a call by round, at least one
 * @param heapBytes allocated by a call, the median of the rounds
 * @param error of the results in units in the last place
 */
record Timing(
    String name,
    Case measured,
    Case beside,
    NavigableMap<Integer, Double> rounds,
    OptionalDouble heapBytes,
    OptionalDouble error) {

  /**
   * Gathers the rounds of each implementation in each case.
   *
   * @param rows in any order; those without a time are left out
   * @return in the order in which they first occur
   */
  static List<Timing> of(List<Row> rows) {
    record Key(String implementation, Case measured) {}

    var groups = new LinkedHashMap<Key, List<Row>>();
    for (var row : rows) {
      if (row.nanoseconds().isPresent()) {
        var key = new Key(row.implementation(), row.measured().orElseThrow());
        groups.computeIfAbsent(key, absent -> new ArrayList<>()).add(row);
      }
    }
    return groups.entrySet().stream()
        .map(group -> of(group.getKey().implementation(), group.getKey().measured(), group.getValue()))
        .toList();
  }

  private static Timing of(String implementation, Case measured, List<Row> rows) {
    var rounds = new TreeMap<Integer, Double>();
    rows.forEach(row -> rounds.put(row.round().orElseThrow(), row.nanoseconds().getAsDouble()));
    return new Timing(
        implementation, measured, measured, rounds, median(rows, Row::heapBytes), median(rows, Row::error));
  }

  private static OptionalDouble median(List<Row> rows, Function<Row, OptionalDouble> field) {
    double[] values =
        rows.stream().map(field).flatMapToDouble(OptionalDouble::stream).toArray();
    return values.length == 0 ? OptionalDouble.empty() : OptionalDouble.of(Spread.of(values).median());
  }

  /** The same rounds under another name, compared with another case of Norma. */
  Timing as(String otherName, Case otherBeside) {
    return new Timing(otherName, measured, otherBeside, rounds, heapBytes, error);
  }

  double[] nanoseconds() {
    return rounds.values().stream().mapToDouble(Double::doubleValue).toArray();
  }

  Spread time() {
    return Spread.of(nanoseconds());
  }

  /** Gigabytes per second, by the least traffic of the pass, at the median time. */
  double bandwidth() {
    return measured.traffic() / time().median();
  }

  /** This time over the other's, round by round: what disturbed both of a round cancels. */
  Optional<Spread> ratioTo(Timing other) {
    return byRound(other, (mine, others) -> mine / others);
  }

  /** This time less the other's in nanoseconds, round by round. */
  Optional<Spread> lessThat(Timing other) {
    return byRound(other, (mine, others) -> mine - others);
  }

  /** Over the rounds that both have; empty if there are none. */
  private Optional<Spread> byRound(Timing other, DoubleBinaryOperator combine) {
    double[] values = rounds.entrySet().stream()
        .filter(round -> other.rounds.containsKey(round.getKey()))
        .mapToDouble(round -> combine.applyAsDouble(round.getValue(), other.rounds.get(round.getKey())))
        .toArray();
    return values.length == 0 ? Optional.empty() : Optional.of(Spread.of(values));
  }
}
