package dev.norma.benchmarks.report;

import dev.norma.benchmarks.Implementation.Kind;
import dev.norma.benchmarks.report.Selection.Group;
import dev.norma.benchmarks.report.Table.Cell;
import dev.norma.benchmarks.report.Table.Tone;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** Geometric means of ratios: for one set, type and number of threads, a column for each pass and layout. */
final class RatioTables {
  /** What the numbers mean: it stands at every table. */
  static final String READING = "Time of the peer over time of norma-c: above 1, Norma is faster."
      + " Geometric means over the shapes of the set, each weighted by how often it occurs.";

  /** What some of the names mean. */
  static final String NAMES = Results.BEST
      + " is oneDNN in the layout in which it is fastest, shape by shape, compared with Norma in each layout."
      + " A peer in a layout that Norma does not have, such as nChw16c, is compared with Norma in nchw."
      + " The copy limit is the faster of two copies that move the same bytes and compute nothing.";

  private static final String NONE = "–";

  private final Results results;
  private final Group group;
  private final List<Selection> selections;

  RatioTables(Results results, Group group) {
    this.results = results;
    this.group = group;
    this.selections = results.selections(group);
  }

  /** Norma's speed-up over each peer. */
  Table peers() {
    var rows = results.names(Kind.PEER).stream()
        .map(peer -> row(label(peer), peer, Results.BASELINE, Tone.WEAK))
        .flatMap(Optional::stream)
        .toList();
    return new Table("Norma's speed-up over each peer: " + group, columns("peer"), rows);
  }

  /** Its time is the same for any number of threads: what that number is must stand beside it. */
  private String label(String peer) {
    return group.threads() > 1 && results.isSingleThreaded(peer) ? peer + " (1 thread)" : peer;
  }

  /** What the call from Java costs, and how far the copies are. */
  Table norma() {
    var rows = Stream.concat(
            results.names(Kind.NORMA).stream()
                .filter(name -> !name.equals(Results.BASELINE))
                .map(name -> row(name + " / " + Results.BASELINE, name, Results.BASELINE, Tone.NUMBER)),
            Stream.of(row(Results.BASELINE + " / " + Results.LIMIT, Results.BASELINE, Results.LIMIT, Tone.NUMBER)))
        .flatMap(Optional::stream)
        .toList();
    return new Table("Norma's own times, one over the other: " + group, columns("quotient"), rows);
  }

  /** Both in one. */
  Table all() {
    var rows = new ArrayList<>(peers().rows());
    rows.addAll(norma().rows());
    return new Table(group.toString(), columns(""), rows);
  }

  private List<String> columns(String first) {
    return Stream.concat(
            Stream.of(first), selections.stream().map(selection -> selection.pass() + " " + selection.layout()))
        .toList();
  }

  /**
   * Quotients in all columns.
   *
   * @param below the tone of those below 1
   * @return empty if no cell has a value
   */
  private Optional<List<Cell>> row(String label, String over, String under, Tone below) {
    var means = selections.stream().map(selection -> results.ratio(over, under, selection)).toList();
    if (means.stream().allMatch(Optional::isEmpty)) {
      return Optional.empty();
    }
    return Optional.of(Stream.concat(
            Stream.of(Cell.of(label)), means.stream().map(mean -> cell(mean, below)))
        .toList());
  }

  private static Cell cell(Optional<Mean> mean, Tone below) {
    return mean.map(one -> new Cell(one.toString(), one.isAtLeastOne() ? Tone.NUMBER : below))
        .orElse(Cell.number(NONE));
  }
}
