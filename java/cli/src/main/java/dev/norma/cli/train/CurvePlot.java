package dev.norma.cli.train;

import dev.norma.cli.ErrorText;
import dev.norma.cli.UserException;
import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Font;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.function.ToDoubleFunction;
import java.util.stream.Stream;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.style.Styler.LegendPosition;
import org.knowm.xchart.style.markers.SeriesMarkers;

/**
 * Draws the learning curves: loss above accuracy, against the iteration, without and with batch normalization. The two
 * colours are told apart with every kind of colour blindness (Okabe and Ito), and the lines by their dashes as well.
 */
final class CurvePlot {
  private static final Color BLUE = new Color(0x0072B2);
  private static final Color VERMILION = new Color(0xD55E00);
  private static final Color PALE_BLUE = new Color(0xA6CDE4);
  private static final Color PALE_VERMILION = new Color(0xF2C6A0);
  private static final Color GRID = new Color(0xE0E0E0);
  private static final int WIDTH = 1200;
  private static final int HEIGHT = 560;
  private static final int TICK_SPACING = 90;

  private CurvePlot() {}

  static void write(Path file, Comparison comparison, double stopLoss) throws IOException {
    try {
      draw(file, comparison, stopLoss);
    } catch (RuntimeException | LinkageError | InternalError e) {
      // What Java throws where the system has no font depends on what exactly is missing.
      var exception = new UserException(
          file + ": cannot be drawn, fontconfig or a font may be missing on this system: " + ErrorText.of(e));
      exception.initCause(e);
      throw exception;
    }
  }

  private static void draw(Path file, Comparison comparison, double stopLoss) throws IOException {
    var loss = chart(comparison, "Loss (cross entropy)", "loss", LegendPosition.InsideNE);
    addCurves(loss, comparison, Score::loss);
    loss.getStyler().setYAxisMin(0.0).setYAxisMax(largestLoss(comparison));
    addLimit(loss, comparison, stopLoss);
    var accuracy =
        chart(comparison, "Accuracy (share of images classified correctly)", "accuracy", LegendPosition.InsideSE);
    addCurves(accuracy, comparison, Score::accuracy);
    accuracy.getStyler().setYAxisMin(0.0).setYAxisMax(1.0);
    BitmapEncoder.saveBitmap(List.of(loss, accuracy), 2, 1, file.toString(), BitmapEncoder.BitmapFormat.PNG);
  }

  /** Of the validation images: single batches that stick out are cut, or they would press everything else down. */
  private static double largestLoss(Comparison comparison) {
    return Stream.of(comparison.without(), comparison.with())
        .flatMap(outcome -> outcome.checkpoints().stream())
        .mapToDouble(checkpoint -> checkpoint.validation().loss())
        .filter(Double::isFinite)
        .max()
        .orElse(1.0) * 1.05;
  }

  private static XYChart chart(Comparison comparison, String title, String yAxis, LegendPosition legend) {
    var chart = new XYChartBuilder()
        .width(WIDTH)
        .height(HEIGHT)
        .title(title)
        .xAxisTitle("iteration")
        .yAxisTitle(yAxis)
        .build();
    var styler = chart.getStyler();
    styler.setLegendPosition(legend).setChartBackgroundColor(Color.WHITE);
    styler.setChartTitleFont(font(Font.BOLD, 20)).setLegendFont(font(Font.PLAIN, 15));
    styler.setAxisTitleFont(font(Font.PLAIN, 16)).setAxisTickLabelsFont(font(Font.PLAIN, 14));
    styler.setPlotGridLinesColor(GRID).setPlotGridLinesStroke(stroke(1f)).setPlotMargin(0);
    styler.setXAxisDecimalPattern("#,##0").setXAxisTickMarkSpacingHint(TICK_SPACING);
    // A range that ends between iterations: where all are evenly spaced, xchart puts its ticks at odd numbers.
    styler.setXAxisMin(0.0).setXAxisMax(1.02 * comparison.mostIterations());
    styler.setPlotContentSize(0.97);
    return chart;
  }

  private static Font font(int style, int size) {
    return new Font(Font.SANS_SERIF, style, size);
  }

  /** The pale curves of single batches first, so that they lie below. */
  private static void addCurves(XYChart chart, Comparison comparison, ToDoubleFunction<Score> value) {
    var without = comparison.without().checkpoints();
    var with = comparison.with().checkpoints();
    add(chart, "without, current batch", without, c -> value.applyAsDouble(c.train()), PALE_VERMILION, stroke(1.2f));
    add(chart, "with, current batch", with, c -> value.applyAsDouble(c.train()), PALE_BLUE, stroke(1.2f));
    add(chart, "without batch normalization, validation", without, c -> value.applyAsDouble(c.validation()), VERMILION,
        dashed(2.2f));
    add(chart, "with batch normalization, validation", with, c -> value.applyAsDouble(c.validation()), BLUE,
        stroke(3f));
  }

  private static void add(
      XYChart chart,
      String name,
      List<Checkpoint> curve,
      ToDoubleFunction<Checkpoint> y,
      Color color,
      BasicStroke line) {
    var points = curve.stream().filter(c -> Double.isFinite(y.applyAsDouble(c))).toList();
    if (!points.isEmpty()) {
      double[] iterations = points.stream().mapToDouble(Checkpoint::iteration).toArray();
      chart.addSeries(name, iterations, points.stream().mapToDouble(y).toArray())
          .setMarker(SeriesMarkers.NONE)
          .setLineColor(color)
          .setLineStyle(line);
    }
  }

  private static void addLimit(XYChart chart, Comparison comparison, double stopLoss) {
    double last = comparison.mostIterations();
    chart.addSeries("training stops at " + stopLoss, new double[] {0, last}, new double[] {stopLoss, stopLoss})
        .setMarker(SeriesMarkers.NONE)
        .setLineColor(Color.DARK_GRAY)
        .setLineStyle(stroke(1f));
  }

  private static BasicStroke stroke(float width) {
    return new BasicStroke(width, BasicStroke.CAP_ROUND, BasicStroke.JOIN_ROUND);
  }

  private static BasicStroke dashed(float width) {
    float[] dashes = {8f, 4f};
    return new BasicStroke(width, BasicStroke.CAP_BUTT, BasicStroke.JOIN_ROUND, 10f, dashes, 0f);
  }
}
