package dev.norma.benchmarks.report;

import dev.norma.benchmarks.Case;
import dev.norma.benchmarks.RunInfo;
import dev.norma.benchmarks.report.Table.Cell;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.function.DoubleFunction;
import java.util.stream.Stream;

/** The tables of a report besides those of ratios. */
final class Tables {
  private Tables() {}

  /** What ran, and where. */
  static Table machine(RunInfo info) {
    var run = Stream.of(
        List.of(Cell.of("command"), Cell.of(info.command())),
        List.of(Cell.of("commit"), Cell.of(info.commit())),
        List.of(Cell.of("start"), Cell.of(info.start())),
        List.of(Cell.of("rounds"), Cell.of("%d, each of at least %s an implementation and case"
            .formatted(info.rounds(), Units.time(info.turnNanoseconds())))));
    return new Table(
        "The run and its machine",
        List.of("fact", "value"),
        Stream.concat(run, entries(info.machine())).toList());
  }

  private static Stream<List<Cell>> entries(Map<String, String> map) {
    return map.entrySet().stream().map(entry -> List.of(Cell.of(entry.getKey()), Cell.of(entry.getValue())));
  }

  /** What each runner said it is. */
  static Table versions(RunInfo info) {
    return new Table(
        "What was compared",
        List.of("implementation", "kind", "called from", "version"),
        info.implementations().stream()
            .map(one -> Stream.of(
                    one.name(),
                    one.kind().name().toLowerCase(Locale.ROOT) + (one.singleThreaded() ? ", always one thread" : ""),
                    one.language(),
                    info.versions().getOrDefault(one.name(), "missing"))
                .map(Cell::of)
                .toList())
            .toList());
  }

  /** A row for each shape, a column for each implementation. */
  static Table medians(Results results, Selection selection) {
    var names = results.kinds().keySet().stream()
        .filter(name -> results.cases(selection).stream().anyMatch(one -> results.find(name, one).isPresent()))
        .toList();
    return new Table(
        "%s %s, %s: medians".formatted(selection.pass(), selection.layout(), selection.group()),
        Stream.concat(Stream.of("shape"), names.stream()).toList(),
        results.cases(selection).stream().map(one -> medians(results, names, one)).toList());
  }

  private static List<Cell> medians(Results results, List<String> names, Case one) {
    return Stream.concat(
            Stream.of(Cell.of(one.shape().name())),
            names.stream().map(name -> Cell.number(
                results.find(name, one).map(timing -> Units.time(timing.time().median())).orElse("–"))))
        .toList();
  }

  /** A row for everything that was measured. */
  static Table everything(Results results) {
    return new Table(
        "Everything that was measured",
        List.of(
            "implementation", "pass", "type", "layout", "threads", "set", "shape", "median", "quartiles", "GB/s",
            "heap bytes", "error, ulp", "rounds"),
        results.measured().stream().map(Tables::everything).toList());
  }

  private static List<Cell> everything(Timing timing) {
    var measured = timing.measured();
    var time = timing.time();
    return List.of(
        Cell.of(timing.name()),
        Cell.of(Units.pass(measured.operation(), measured.pass())),
        Cell.of(measured.type()),
        Cell.of(measured.layout()),
        Cell.number(Integer.toString(measured.threads())),
        Cell.of(measured.shape().set()),
        Cell.of(measured.shape().name()),
        Cell.number(Units.time(time.median())),
        Cell.number(Units.time(time.low()) + " – " + Units.time(time.high())),
        Cell.number(Units.digits(timing.bandwidth())),
        optional(timing.heapBytes(), bytes -> String.format(Locale.ROOT, "%,.0f", bytes)),
        optional(timing.error(), error -> String.format(Locale.ROOT, "%.2f", error)),
        Cell.number(Integer.toString(timing.rounds().size())));
  }

  private static Cell optional(OptionalDouble value, DoubleFunction<String> format) {
    return Cell.number(value.isPresent() ? format.apply(value.getAsDouble()) : "");
  }
}
