package dev.norma.benchmarks.report;

import dev.norma.benchmarks.Case;
import dev.norma.benchmarks.Implementation;
import dev.norma.benchmarks.Implementation.Kind;
import dev.norma.benchmarks.Row;
import dev.norma.benchmarks.RunInfo;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The results of a run, each beside those of Norma that it is compared with. */
final class Results {
  /** What the others are compared with. */
  static final String BASELINE = "norma-c";

  /** The faster of the limits in each case. */
  static final String LIMIT = "copy limit";

  /** oneDNN in the layout in which it is fastest, shape by shape: a network can keep its tensors in that layout. */
  static final String BEST = "onednn-best";

  private static final String BEST_OF = "onednn";

  private record Key(String name, Case beside) {}

  private final List<Row> rows;
  private final List<Implementation> implementations;
  private final List<Timing> measured;
  private final Set<Case> cases;
  private final Map<String, Kind> kinds = new LinkedHashMap<>();
  private final Map<Key, Timing> timings = new LinkedHashMap<>();

  /**
   * Arranges what a run measured.
   *
   * @param implementations that ran, in the order of the registry
   * @param rows of results.csv; those of other implementations are left out
   */
  Results(List<Implementation> implementations, List<Row> rows) {
    this.rows = List.copyOf(rows);
    this.implementations = List.copyOf(implementations);
    this.cases = cases(rows);
    var byName = Timing.of(rows).stream().collect(Collectors.groupingBy(Timing::name));
    this.measured = implementations.stream()
        .flatMap(one -> byName.getOrDefault(one.name(), List.of()).stream())
        .toList();
    implementations.forEach(one -> add(one, byName.getOrDefault(one.name(), List.of())));
    addLimit();
  }

  static Results of(RunInfo info, List<Row> rows) {
    return new Results(info.implementations(), rows);
  }

  /** Those of Norma; all of them where it did not run. */
  private static Set<Case> cases(List<Row> rows) {
    var norma = rows.stream()
        .filter(row -> row.implementation().equals(BASELINE) && row.measured().isPresent())
        .toList();
    return (norma.isEmpty() ? rows : norma).stream()
        .flatMap(row -> row.measured().stream())
        .collect(Collectors.toCollection(LinkedHashSet::new));
  }

  private void add(Implementation implementation, List<Timing> own) {
    var name = implementation.name();
    var kind = implementation.kind();
    for (var timing : own) {
      var one = timing.measured();
      add(cases.contains(one) ? timing : timing.as(name + " " + one.layout(), one.withLayout("nchw")), kind);
    }
    if (implementation.singleThreaded()) {
      addFastest(name, kind, one -> own.stream().filter(timing -> one.withThreads(1).equals(timing.measured())));
    }
    if (name.equals(BEST_OF)) {
      addFastest(BEST, kind, one -> own.stream()
          .filter(timing -> timing.measured().withLayout(one.layout()).equals(one)));
    }
  }

  private void addLimit() {
    var limits = implementations.stream()
        .filter(one -> one.kind() == Kind.LIMIT)
        .map(Implementation::name)
        .toList();
    addFastest(LIMIT, Kind.LIMIT, one -> measured.stream()
        .filter(timing -> limits.contains(timing.name()) && timing.measured().equals(one)));
  }

  private void addFastest(String name, Kind kind, Function<Case, Stream<Timing>> candidates) {
    for (var one : cases) {
      candidates.apply(one)
          .min(Comparator.comparingDouble(timing -> timing.time().median()))
          .ifPresent(timing -> add(timing.as(name, one), kind));
    }
  }

  private void add(Timing timing, Kind kind) {
    if (cases.contains(timing.beside())) {
      kinds.put(timing.name(), kind);
      timings.putIfAbsent(new Key(timing.name(), timing.beside()), timing);
    }
  }

  /** What was measured, as it was measured, in the order of the registry. */
  List<Timing> measured() {
    return measured;
  }

  /** What is compared: measured or derived, in the order of the registry. */
  List<Timing> timings() {
    return List.copyOf(timings.values());
  }

  /** Does it take the same time with any number of threads? */
  boolean isSingleThreaded(String name) {
    return implementations.stream().anyMatch(one -> one.name().equals(name) && one.singleThreaded());
  }

  /** All rows, also those that say why there is no time. */
  List<Row> rows() {
    return rows;
  }

  /** The cases of Norma, in the order in which they ran. */
  List<Case> cases() {
    return List.copyOf(cases);
  }

  List<Case> cases(Selection selection) {
    return cases.stream().filter(one -> Selection.of(one).equals(selection)).toList();
  }

  /** The names of a kind that have results, measured or derived. */
  List<String> names(Kind kind) {
    return kinds.keySet().stream().filter(name -> kinds.get(name) == kind).toList();
  }

  /** Every name that has results, and its kind. */
  Map<String, Kind> kinds() {
    return kinds;
  }

  Optional<Timing> find(String name, Case beside) {
    return Optional.ofNullable(timings.get(new Key(name, beside)));
  }

  /** The time of one over that of the other, by the rounds that both have. */
  Optional<Spread> ratio(String over, String under, Case one) {
    return find(over, one).flatMap(timing -> find(under, one).flatMap(timing::ratioTo));
  }

  /** The mean over the shapes of the median ratios. */
  Optional<Mean> ratio(String over, String under, Selection selection) {
    var shapes = cases(selection);
    var values = shapes.stream()
        .flatMap(one -> ratio(over, under, one).stream()
            .map(ratio -> new Mean.Weighted(ratio.median(), one.shape().count())))
        .toList();
    return Mean.of(values, shapes.size());
  }

  /** How many times as fast as Norma with so many threads: the mean over the shapes. */
  Optional<Mean> speed(String name, Selection selection, int baselineThreads) {
    var shapes = cases(selection);
    var values = shapes.stream()
        .flatMap(one -> speed(name, one, baselineThreads).stream())
        .toList();
    return Mean.of(values, shapes.size());
  }

  private Optional<Mean.Weighted> speed(String name, Case one, int baselineThreads) {
    var start = find(BASELINE, one.withThreads(baselineThreads));
    return find(name, one).flatMap(timing -> start.map(norma ->
        new Mean.Weighted(norma.time().median() / timing.time().median(), one.shape().count())));
  }

  /** Every operation, set, type and number of threads that was measured. */
  List<Selection.Group> groups() {
    return cases.stream().map(Selection.Group::of).distinct().toList();
  }

  /** Passes and layouts of a group. */
  List<Selection> selections(Selection.Group group) {
    return cases.stream()
        .map(Selection::of)
        .distinct()
        .filter(selection -> selection.group().equals(group))
        .sorted(Comparator.comparing(Selection::pass))
        .toList();
  }

  /**
   * What stands first: the set that describes the most layers, the first operation and type, the most threads.
   *
   * @return empty if nothing was measured
   */
  Optional<Selection.Group> headline() {
    return groups().stream().max(Comparator
        .<Selection.Group>comparingLong(group -> layers(group.set()))
        .thenComparing(Selection.Group::operation, Comparator.reverseOrder())
        .thenComparing(group -> group.type(), Comparator.comparingInt(type -> -types().indexOf(type)))
        .thenComparingInt(Selection.Group::threads));
  }

  private long layers(String set) {
    return cases.stream().map(Case::shape).distinct().filter(shape -> shape.set().equals(set))
        .mapToLong(shape -> shape.count()).sum();
  }

  private List<String> types() {
    return cases.stream().map(Case::type).distinct().toList();
  }
}
