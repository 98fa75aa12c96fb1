package dev.norma.benchmarks.report;

import dev.norma.benchmarks.Implementation.Kind;
import dev.norma.benchmarks.Pass;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** What a run says, in a sentence: of what stands first in it, and of the peers that have all of its shapes. */
final class Verdict {
  /**
   * A peer's time over Norma's.
   *
   * @param peer its name
   * @param selection the pass and layout
   * @param mean over the shapes
   */
  record Quotient(String peer, Selection selection, Mean mean) {
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
   * @param closest the quotient with the fastest peer
   * @param limit Norma's time over the copy limit, in the same layout
   */
  record Highlight(Quotient closest, Optional<Mean> limit) {}

  private static final Comparator<Quotient> BY_VALUE = Comparator.comparingDouble(Quotient::value);

  private final Results results;
  private final Optional<Selection.Group> group;
  private final List<Quotient> comparisons;

  Verdict(Results results) {
    this.results = results;
    this.group = results.headline();
    var all = group.stream().flatMap(one -> comparisons(results, one)).toList();
    var whole = all.stream().filter(one -> one.mean().isWhole()).toList();
    this.comparisons = whole.isEmpty() ? all : whole;
  }

  private static Stream<Quotient> comparisons(Results results, Selection.Group group) {
    return results.selections(group).stream()
        .flatMap(selection -> results.names(Kind.PEER).stream()
            .flatMap(peer -> results.ratio(peer, Results.BASELINE, selection).stream()
                .map(mean -> new Quotient(peer, selection, mean))));
  }

  String sentence() {
    if (comparisons.isEmpty()) {
      return "There is nothing to compare: Norma and the peers have no case in common.";
    }
    long peers = comparisons.stream().map(Quotient::peer).distinct().count();
    long asFast = comparisons.stream().filter(one -> one.mean().isAtLeastOne()).count();
    var least = comparisons.stream().min(BY_VALUE).orElseThrow();
    var most = comparisons.stream().max(BY_VALUE).orElseThrow();
    return "Norma is at least as fast in %d of %s with %s: it has %s the speed of %s%s%s.".formatted(
        asFast,
        Units.count(comparisons.size(), "comparison"),
        Units.count(peers, "peer"),
        Units.ratio(least.value()),
        least.where(),
        comparisons.size() == 1 ? "" : " and %s that of %s".formatted(Units.ratio(most.value()), most.where()),
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
    if (limits.isEmpty()) {
      return "";
    }
    var least = Units.ratio(limits.getFirst().value());
    var most = Units.ratio(limits.getLast().value());
    return ", and takes %s the time of a copy of the same bytes".formatted(
        least.equals(most) ? least : least + " to " + most);
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
