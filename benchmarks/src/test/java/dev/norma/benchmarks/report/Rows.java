package dev.norma.benchmarks.report;

import dev.norma.benchmarks.Case;
import dev.norma.benchmarks.Implementation;
import dev.norma.benchmarks.Implementation.Kind;
import dev.norma.benchmarks.Normalization;
import dev.norma.benchmarks.Operation;
import dev.norma.benchmarks.Pass;
import dev.norma.benchmarks.Row;
import dev.norma.benchmarks.RunInfo;
import dev.norma.benchmarks.Shape;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;

/** Rows of results with the times that a test wants. */
final class Rows {
  static final Shape SMALL = new Shape("net", "small", 1, 10, 10, 3);
  static final Shape LARGE = new Shape("net", "large", 10, 100, 100, 1);

  /** For layer and RMS normalization. */
  static final Shape ROWS = new Shape("rows", "8x768", Normalization.LAYER, 8, 768, 1, 1, 1);

  private final List<Row> rows = new ArrayList<>();

  static Case nchw(Shape shape) {
    return in("nchw", shape);
  }

  static Case in(String layout, Shape shape) {
    return withThreads(2, layout, shape);
  }

  static Case withThreads(int threads, String layout, Shape shape) {
    return new Case(Operation.BATCH_NORM, Pass.FORWARD_TRAINING, "f32", layout, shape, threads);
  }

  static Case of(Operation operation, String type, Shape shape) {
    return new Case(operation, Pass.FORWARD_TRAINING, type, "nchw", shape, 2);
  }

  /** Adds one row for each time, from round 0. */
  Rows add(String implementation, Case one, double... nanoseconds) {
    for (int round = 0; round < nanoseconds.length; round++) {
      addRound(implementation, one, round, nanoseconds[round]);
    }
    return this;
  }

  Rows addRound(String implementation, Case one, int round, double nanoseconds) {
    rows.add(new Row(implementation, "C", "1.0", Optional.of(one), OptionalInt.of(round),
        OptionalDouble.of(nanoseconds), OptionalDouble.empty(), Optional.of(true), OptionalDouble.of(1.5), ""));
    return this;
  }

  Rows addNote(String implementation, Optional<Case> one, String note) {
    rows.add(new Row(implementation, "C", "1.0", one, OptionalInt.empty(), OptionalDouble.empty(),
        OptionalDouble.empty(), Optional.empty(), OptionalDouble.empty(), note));
    return this;
  }

  List<Row> list() {
    return rows;
  }

  static List<Implementation> implementations() {
    return List.of(
        implementation("norma-c", Kind.NORMA, false),
        implementation("norma-java", Kind.NORMA, false),
        implementation("onednn", Kind.PEER, false),
        implementation("numpy", Kind.PEER, true),
        implementation("copy", Kind.LIMIT, false),
        implementation("copy-streaming", Kind.LIMIT, false));
  }

  private static Implementation implementation(String name, Kind kind, boolean singleThreaded) {
    return new Implementation(name, "C", kind, List.of(Normalization.values()), List.of("f32"), List.of("nchw"),
        singleThreaded, "{native}/" + name);
  }

  static RunInfo info() {
    return new RunInfo("./norma bench", "abc", "2026-01-31T12:00:00Z", Map.of("cores", "2"), implementations(),
        Map.of("norma-c", "0.1.0"), List.of(), 9, 50_000_000);
  }

  Results results() {
    return new Results(implementations(), rows);
  }
}
