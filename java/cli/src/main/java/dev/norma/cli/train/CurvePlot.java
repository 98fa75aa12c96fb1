package dev.norma.cli.train;

import java.awt.BasicStroke;
import java.awt.Color;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.function.ToDoubleFunction;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.style.Styler.LegendPosition;

/** Draws the learning curves: loss above accuracy, against the iteration, in a colour for each normalization. */
final class CurvePlot {
  private final Comparison comparison;
  private final double stopLoss;

  private CurvePlot(Comparison comparison, double stopLoss) {
    this.comparison = comparison;
    this.stopLoss = stopLoss;
  }

  static void write(Path file, Comparison comparison, double stopLoss) throws IOException {
    Charts.write(file, new CurvePlot(comparison, stopLoss)::charts);
  }

  private List<XYChart> charts() {
    var loss = chart("Loss (cross entropy)", "loss", LegendPosition.InsideNE);
    addCurves(loss, Score::loss);
    loss.getStyler().setYAxisMin(0.0).setYAxisMax(largestLoss());
    if (stopLoss > 0) {
      addLimit(loss);
    }
    var accuracy = chart("Accuracy (share of images classified correctly)", "accuracy", LegendPosition.InsideSE);
    addCurves(accuracy, Score::accuracy);
    accuracy.getStyler().setYAxisMin(0.0).setYAxisMax(1.0);
    return List.of(loss, accuracy);
  }

  /** Of the validation images: single batches that stick out are cut, or they would press everything else down. */
  private double largestLoss() {
    return comparison.outcomes()
        .flatMap(outcome -> outcome.checkpoints().stream())
        .mapToDouble(checkpoint -> checkpoint.validation().loss())
        .filter(Double::isFinite)
        .max()
        .orElse(1.0) * 1.05;
  }

  private XYChart chart(String title, String yAxis, LegendPosition legend) {
    var chart = Charts.chart(title, "iteration", yAxis, legend);
    // A range that ends between iterations: where all are evenly spaced, xchart puts its ticks at odd numbers.
    chart.getStyler().setXAxisMin(0.0).setXAxisMax(1.02 * comparison.mostIterations());
    return chart;
  }

  /** The pale curves of single batches first, so that they lie below; several runs have none. */
  private void addCurves(XYChart chart, ToDoubleFunction<Score> value) {
    if (comparison.runs() == 1) {
      for (var trained : comparison.trained()) {
        var normalization = trained.normalization();
        add(chart, normalization + ", current batch", trained.runs().getFirst(),
            c -> value.applyAsDouble(c.train()), Palette.of(normalization).pale(), Palette.solid(1.2f), true);
      }
    }
    for (var trained : comparison.trained()) {
      for (int run = 0; run < trained.runs().size(); run++) {
        addValidation(chart, trained, run, value);
      }
    }
  }

  private static void addValidation(XYChart chart, Trained trained, int run, ToDoubleFunction<Score> value) {
    var palette = Palette.of(trained.normalization());
    boolean single = trained.runs().size() == 1;
    String name = trained.normalization().title() + ", validation" + (single ? "" : ", each run");
    add(chart, run == 0 ? name : name + " " + (run + 1), trained.runs().get(run),
        c -> value.applyAsDouble(c.validation()), palette.color(), single ? palette.line() : Palette.solid(1.4f),
        run == 0);
  }

  private static void add(
      XYChart chart,
      String name,
      Outcome outcome,
      ToDoubleFunction<Checkpoint> y,
      Color color,
      BasicStroke line,
      boolean inLegend) {
    var curve = outcome.checkpoints();
    double[] iterations = curve.stream().mapToDouble(Checkpoint::iteration).toArray();
    Charts.addLine(chart, name, iterations, curve.stream().mapToDouble(y).toArray(), color, line, inLegend);
  }

  private void addLimit(XYChart chart) {
    double last = comparison.mostIterations();
    Charts.addLine(chart, "training stops at " + stopLoss, new double[] {0, last}, new double[] {stopLoss, stopLoss},
        Color.DARK_GRAY, Palette.solid(1f));
  }
}
