package dev.norma.benchmarks.report;

import dev.norma.benchmarks.Case;
import dev.norma.benchmarks.Implementation.Kind;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.Stream;

/**
 * What report.js draws. Every number is computed here; the script only chooses among them. Of the limits it has only
 * the fastest. Gson leaves out what is null.
 *
 * @param baseline the name of what the others are compared with
 * @param limit the name of the limit
 * @param start the selection to start with
 * @param series in the order of the registry
 * @param points one for each implementation and case
 * @param means one for each implementation and selection
 */
record PageData(
    String baseline,
    String limit,
    Choice start,
    List<Series> series,
    List<Point> points,
    List<MeanPoint> means) {
  private static final MathContext DIGITS = new MathContext(6);

  /** What the reader chooses among; the names are those of the controls. */
  record Choice(String operation, String set, String type, int threads, String pass, String layout) {
    static Choice of(Selection selection) {
      var group = selection.group();
      return new Choice(group.operation().toString(), group.set(), group.type(), group.threads(),
          selection.pass().toString(), selection.layout());
    }
  }

  /**
   * A line or a row of a plot.
   *
   * @param singleThreaded whether its times are the same for any number of threads
   */
  record Series(String name, Kind kind, boolean singleThreaded) {}

  /**
   * One implementation in one case. Times are in nanoseconds; three numbers are quartile, median, quartile.
   *
   * @param bytes of one tensor
   * @param measuredLayout not that of the choice where Norma does not have it, or where the best was chosen
   * @param ratio its time over Norma's
   * @param added its time less Norma's, for the calls from Java
   * @param heap bytes that a call allocates
   * @param error in units in the last place
   */
  record Point(
      String name,
      Choice choice,
      String shape,
      long bytes,
      String measuredLayout,
      double[] time,
      double bandwidth,
      double[] ratio,
      double[] added,
      Double heap,
      Double error) {}

  /**
   * One implementation over the shapes of a set.
   *
   * @param ratio its time over Norma's
   * @param speed how many times as fast as Norma with the fewest threads
   */
  record MeanPoint(String name, Choice choice, MeanValue ratio, MeanValue speed) {}

  record MeanValue(double value, int shapes, int of) {
    static MeanValue of(Optional<Mean> mean) {
      return mean.map(one -> new MeanValue(shortened(one.value()), one.shapes(), one.ofShapes())).orElse(null);
    }
  }

  static PageData of(Results results) {
    var names = shown(results).toList();
    return new PageData(
        Results.BASELINE,
        Results.LIMIT,
        start(results),
        names.stream()
            .map(name -> new Series(name, results.kinds().get(name), results.isSingleThreaded(name)))
            .toList(),
        results.timings().stream()
            .filter(timing -> names.contains(timing.name()))
            .map(timing -> point(results, timing))
            .toList(),
        results.cases().stream()
            .map(Selection::of)
            .distinct()
            .flatMap(selection -> names.stream().map(name -> mean(results, name, selection)))
            .filter(mean -> mean.ratio() != null || mean.speed() != null)
            .toList());
  }

  private static Stream<String> shown(Results results) {
    return results.kinds().keySet().stream()
        .filter(name -> results.kinds().get(name) != Kind.LIMIT || name.equals(Results.LIMIT));
  }

  private static Choice start(Results results) {
    return results.headline()
        .map(group -> Choice.of(results.selections(group).getFirst()))
        .orElse(null);
  }

  private static Point point(Results results, Timing timing) {
    var beside = timing.beside();
    var baseline = results.find(Results.BASELINE, beside);
    boolean isCallFromJava = results.kinds().get(timing.name()) == Kind.NORMA && timing.heapBytes().isPresent();
    return new Point(
        timing.name(),
        Choice.of(Selection.of(beside)),
        beside.shape().name(),
        beside.tensorBytes(),
        timing.measured().layout(),
        numbers(Optional.of(timing.time())),
        shortened(timing.bandwidth()),
        numbers(baseline.flatMap(timing::ratioTo)),
        isCallFromJava ? numbers(baseline.flatMap(timing::lessThat)) : null,
        number(timing.heapBytes()),
        number(timing.error()));
  }

  private static MeanPoint mean(Results results, String name, Selection selection) {
    int fewest = results.cases().stream().mapToInt(Case::threads).min().orElseThrow();
    return new MeanPoint(
        name,
        Choice.of(selection),
        MeanValue.of(results.ratio(name, Results.BASELINE, selection)),
        MeanValue.of(results.speed(name, selection, fewest)));
  }

  private static double[] numbers(Optional<Spread> spread) {
    return spread
        .map(one -> new double[] {shortened(one.low()), shortened(one.median()), shortened(one.high())})
        .orElse(null);
  }

  private static Double number(OptionalDouble value) {
    return value.isPresent() ? value.getAsDouble() : null;
  }

  /** To as many digits as a plot can show: the page is half as long. */
  private static double shortened(double value) {
    return new BigDecimal(value).round(DIGITS).doubleValue();
  }
}
