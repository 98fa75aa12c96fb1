package dev.norma.cli.train;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.style.Styler.LegendPosition;

/** Draws the test accuracy against the batch size: the mean as a line, every run as a pale one. */
final class SweepPlot {
  private final List<SweepPoint> points;
  private final double[] powers;

  private SweepPlot(List<SweepPoint> points) {
    this.points = points;
    powers = points.stream().mapToDouble(point -> Math.log(point.batchSize()) / Math.log(2)).toArray();
  }

  static void write(Path file, List<SweepPoint> points) throws IOException {
    Charts.write(file, new SweepPlot(points)::charts);
  }

  private List<XYChart> charts() {
    var chart = Charts.chart(
        "Test accuracy by batch size", "batch size", "accuracy", LegendPosition.InsideSE);
    var styler = chart.getStyler();
    styler.setXAxisTickLabelsFormattingFunction(SweepPlot::label);
    // A tick at every power, and a range that ends there: xchart draws no label where several are blank.
    styler.setXAxisTickMarkSpacingHint(Charts.WIDTH / Math.max(1, powers.length - 1));
    styler.setXAxisMin(powers[0]).setXAxisMax(powers[powers.length - 1]);
    styler.setYAxisMin(0.0).setYAxisMax(1.0);
    var first = points.getFirst().comparison();
    if (first.runs() > 1) {
      forEachNormalization((index, trained) ->
          IntStream.range(0, first.runs()).forEach(run -> addRun(chart, index, run, trained.normalization())));
    }
    forEachNormalization((index, trained) -> addMean(chart, index, trained.normalization()));
    return List.of(chart);
  }

  /** Ticks may lie between the powers of two. */
  private static String label(double power) {
    return power == Math.rint(power) ? Long.toString(Math.round(Math.pow(2, power))) : " ";
  }

  /** What is done for the normalization at an index. */
  private interface Step {
    void take(int index, Trained trained);
  }

  private void forEachNormalization(Step step) {
    var trained = points.getFirst().comparison().trained();
    IntStream.range(0, trained.size()).forEach(index -> step.take(index, trained.get(index)));
  }

  private void addRun(XYChart chart, int index, int run, Normalization normalization) {
    double[] accuracies = points.stream()
        .mapToDouble(point -> point.comparison().trained().get(index).runs().get(run).testAccuracy())
        .toArray();
    Charts.addLine(chart, normalization + ", run " + (run + 1), powers, accuracies,
        Palette.of(normalization).pale(), Palette.solid(1.2f), false);
  }

  private void addMean(XYChart chart, int index, Normalization normalization) {
    double[] means = points.stream()
        .mapToDouble(point -> point.comparison().trained().get(index).mean(Outcome::testAccuracy))
        .toArray();
    var palette = Palette.of(normalization);
    Charts.addLine(chart, normalization.title(), powers, means, palette.color(), palette.line());
  }
}
