package dev.norma.benchmarks.report;

import dev.norma.benchmarks.Implementation.Kind;
import dev.norma.benchmarks.Pass;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** What a run says, in a sentence: on what stands first in it. */
final class Verdict {
  /**
   * A peer's time over Norma's.
   *
   * @param peer its name
   * @param selection the pass and layout
   * @param mean over the shapes
   */
  record Comparison(String peer, Selection selection, Mean mean) {
    double value() {
      return mean.value();
    }

    String where() {
      return "%s in %s %s".formatted(peer, selection.pass(), selection.layout());
    }
  }

  /**
   * A pass in short.
   *
   * @param closest the comparison with the fastest peer
   * @param limit Norma's time over the copy limit, in the same layout
   */
  record Highlight(Comparison closest, Optional<Mean> limit) {}

  private static final Comparator<Comparison> BY_VALUE = Comparator.comparingDouble(Comparison::value);

  private final Results results;
  private final Optional<Selection.Group> group;
  private final List<Comparison> comparisons;

  Verdict(Results results) {
    this.results = results;
    this.group = results.headline();
    this.comparisons = group.stream().flatMap(one -> comparisons(results, one)).toList();
  }

  private static Stream<Comparison> comparisons(Results results, Selection.Group group) {
    return results.selections(group).stream()
        .flatMap(selection -> results.names(Kind.PEER).stream()
            .flatMap(peer -> results.ratio(peer, Results.BASELINE, selection).stream()
                .map(mean -> new Comparison(peer, selection, mean))));
  }

  String sentence() {
    if (comparisons.isEmpty()) {
      return "There is nothing to compare: Norma and the peers have no case in common.";
    }
    var least = comparisons.stream().min(BY_VALUE).orElseThrow();
    var most = comparisons.stream().max(BY_VALUE).orElseThrow();
    long faster = comparisons.stream().filter(one -> one.value() > 1).count();
    long peers = comparisons.stream().map(Comparison::peer).distinct().count();
    return "Norma is faster in %s with %s: it has %s the speed of %s and %s that of %s%s."
        .formatted(
            faster == comparisons.size()
                ? faster == 1 ? "the only comparison" : "all %d comparisons".formatted(faster)
                : "%d of %d comparisons".formatted(faster, comparisons.size()),
            Units.count(peers, "peer"),
            Units.ratio(least.value()), least.where(),
            Units.ratio(most.value()), most.where(),
            limit());
  }

  /** What the sentence is about. */
  String scope() {
    return group.map(one -> "Geometric means over %s of %s".formatted(
            Units.count(results.cases().stream().filter(measured -> Selection.Group.of(measured).equals(one))
                .map(measured -> measured.shape()).distinct().count(), "shape"), one))
        .orElse("No case was measured");
  }

  private String limit() {
    var limits = group.stream()
        .flatMap(one -> results.selections(one).stream())
        .flatMap(selection -> results.ratio(Results.BASELINE, Results.LIMIT, selection).stream())
        .sorted(Comparator.comparingDouble(Mean::value))
        .toList();
    return limits.isEmpty()
        ? ""
        : ", and takes %s to %s the time of a copy of the same bytes"
            .formatted(Units.ratio(limits.getFirst().value()), Units.ratio(limits.getLast().value()));
  }

  /** A highlight of each pass that has a peer. */
  List<Highlight> highlights() {
    return Stream.of(Pass.values()).flatMap(pass -> highlight(pass).stream()).toList();
  }

  private Optional<Highlight> highlight(Pass pass) {
    return comparisons.stream()
        .filter(one -> one.selection().pass() == pass)
        .min(BY_VALUE)
        .map(one -> new Highlight(one, results.ratio(Results.BASELINE, Results.LIMIT, one.selection())));
  }
}
