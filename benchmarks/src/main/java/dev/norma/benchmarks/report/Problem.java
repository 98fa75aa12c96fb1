package dev.norma.benchmarks.report;

import dev.norma.benchmarks.Case;
import dev.norma.benchmarks.Row;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * Why an implementation has no time in some cases.
 *
 * @param implementation its name
 * @param note the reason, which starts with its kind: "wrong", "failed", "missing" or "unsupported"
 * @param cases that have the same reason; empty where the implementation as a whole is missing
 */
record Problem(String implementation, String note, List<Case> cases) {
  private static final List<String> WORST_FIRST = List.of("wrong", "failed", "missing", "unsupported");
  private static final int LISTED = 3;

  /** One for each implementation and reason; what computes wrongly comes first. */
  static List<Problem> of(List<Row> rows) {
    record Key(String implementation, String note) {}

    var groups = new LinkedHashMap<Key, List<Case>>();
    for (var row : rows) {
      if (!row.note().isEmpty()) {
        var cases = groups.computeIfAbsent(new Key(row.implementation(), row.note()), absent -> new ArrayList<>());
        row.measured().ifPresent(cases::add);
      }
    }
    return groups.entrySet().stream()
        .map(group -> new Problem(
            group.getKey().implementation(),
            group.getKey().note(),
            group.getValue().stream().distinct().toList()))
        .sorted(Comparator.comparingInt(Problem::rank))
        .toList();
  }

  private int rank() {
    return (int) WORST_FIRST.stream().takeWhile(kind -> !note.startsWith(kind)).count();
  }

  boolean isWrong() {
    return note.startsWith("wrong");
  }

  /** A few cases one by one; of many, what they have in common. */
  String where() {
    if (cases.isEmpty()) {
      return "everywhere";
    }
    if (cases.size() <= LISTED) {
      return cases.stream().map(Units::text).collect(Collectors.joining("; "));
    }
    return "%s: %s".formatted(
        Units.count(cases.size(), "case"),
        List.<Function<Case, String>>of(
                one -> Units.pass(one.operation(), one.pass()),
                Case::type,
                Case::layout,
                one -> one.shape().set(),
                one -> Units.threads(one.threads()))
            .stream()
            .map(this::distinct)
            .flatMap(Optional::stream)
            .collect(Collectors.joining("; ")));
  }

  private Optional<String> distinct(Function<Case, String> field) {
    return cases.stream().map(field).distinct().reduce((left, right) -> left + ", " + right);
  }

  static Table table(List<Problem> problems) {
    return new Table(
        "What has no time, and why",
        List.of("implementation", "reason", "where"),
        problems.stream()
            .map(problem -> List.of(
                Table.Cell.of(problem.implementation()),
                problem.isWrong() ? Table.Cell.bad(problem.note()) : Table.Cell.of(problem.note()),
                Table.Cell.of(problem.where())))
            .toList());
  }
}
