package dev.norma.benchmarks.run;

import dev.norma.benchmarks.Case;
import dev.norma.benchmarks.Implementation;
import dev.norma.benchmarks.ResultsFile;
import dev.norma.benchmarks.Row;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;

/** The rows of a run, in results.csv as soon as they are known. */
final class Results implements AutoCloseable {
  private final ResultsFile file;
  private final List<Row> rows = new ArrayList<>();

  Results(Path folder) throws IOException {
    file = new ResultsFile(folder.resolve("results.csv"));
  }

  List<Row> rows() {
    return List.copyOf(rows);
  }

  /** An implementation has no part in the run any more. */
  void addMissing(Participant participant, String why) throws IOException {
    add(participant, Optional.empty(), Optional.empty(), OptionalDouble.empty(), "missing: " + why);
  }

  /** A case was not measured; {@code word} is "unsupported" or "failed". */
  void addNone(Participant participant, Case part, String word, String why) throws IOException {
    add(participant, Optional.of(part), Optional.empty(), OptionalDouble.empty(), word + ": " + why);
  }

  /** A case was computed wrongly, and so not measured. */
  void addWrong(Participant participant, Case part, double error, String what) throws IOException {
    add(participant, Optional.of(part), Optional.of(false), OptionalDouble.of(error), "wrong: " + what);
  }

  private void add(
      Participant participant, Optional<Case> part, Optional<Boolean> correct, OptionalDouble error, String note)
      throws IOException {
    var implementation = participant.role().implementation();
    add(new Row(implementation.name(), implementation.language(), participant.version(), part, OptionalInt.empty(),
        OptionalDouble.empty(), OptionalDouble.empty(), correct, error, note));
  }

  /** A turn was measured; its results are right to {@code error} units in the last place. */
  void addTurn(Participant participant, Case part, int round, Participant.Turn turn, double error) throws IOException {
    var implementation = participant.role().implementation();
    add(new Row(implementation.name(), implementation.language(), participant.version(), Optional.of(part),
        OptionalInt.of(round), OptionalDouble.of(turn.nanoseconds()), turn.heapBytes(), Optional.of(true),
        OptionalDouble.of(error), ""));
  }

  private void add(Row row) throws IOException {
    file.add(row);
    rows.add(row);
  }

  /** Whether one of these has a wrong result. */
  boolean isWrong(List<Implementation> implementations) {
    return rows.stream()
        .filter(row -> row.correct().equals(Optional.of(false)))
        .anyMatch(row -> implementations.stream().anyMatch(each -> each.name().equals(row.implementation())));
  }

  @Override
  public void close() throws IOException {
    file.close();
  }
}
