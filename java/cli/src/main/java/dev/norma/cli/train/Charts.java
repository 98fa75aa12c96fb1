package dev.norma.cli.train;

import dev.norma.cli.ErrorText;
import dev.norma.cli.UserException;
import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Font;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.style.Styler.LegendPosition;
import org.knowm.xchart.style.markers.SeriesMarkers;

/** What all pictures have in common. */
final class Charts {
  private static final Color GRID = new Color(0xE0E0E0);
  static final int WIDTH = 1200;
  private static final int HEIGHT = 560;
  private static final int TICK_SPACING = 90;

  private Charts() {}

  /** Draws a picture. */
  interface Drawing {
    List<XYChart> charts();
  }

  /** Writes the charts of a drawing, one below the other. */
  static void write(Path file, Drawing drawing) throws IOException {
    try {
      var charts = drawing.charts();
      BitmapEncoder.saveBitmap(charts, charts.size(), 1, file.toString(), BitmapEncoder.BitmapFormat.PNG);
    } catch (RuntimeException | LinkageError | InternalError e) {
      // What Java throws where the system has no font depends on what exactly is missing.
      var exception = new UserException(
          file + ": cannot be drawn, fontconfig or a font may be missing on this system: " + ErrorText.of(e));
      exception.initCause(e);
      throw exception;
    }
  }

  static XYChart chart(String title, String xAxis, String yAxis, LegendPosition legend) {
    var chart = new XYChartBuilder()
        .width(WIDTH)
        .height(HEIGHT)
        .title(title)
        .xAxisTitle(xAxis)
        .yAxisTitle(yAxis)
        .build();
    var styler = chart.getStyler();
    styler.setLegendPosition(legend).setChartBackgroundColor(Color.WHITE);
    styler.setChartTitleFont(font(Font.BOLD, 20)).setLegendFont(font(Font.PLAIN, 15));
    styler.setAxisTitleFont(font(Font.PLAIN, 16)).setAxisTickLabelsFont(font(Font.PLAIN, 14));
    styler.setPlotGridLinesColor(GRID).setPlotGridLinesStroke(Palette.solid(1f)).setPlotMargin(0);
    styler.setXAxisDecimalPattern("#,##0").setXAxisTickMarkSpacingHint(TICK_SPACING);
    styler.setPlotContentSize(0.97);
    return chart;
  }

  private static Font font(int style, int size) {
    return new Font(Font.SANS_SERIF, style, size);
  }

  /** Adds a line through the points whose y is finite. Without such points a chart takes no line. */
  static void addLine(XYChart chart, String name, double[] x, double[] y, Color color, BasicStroke line) {
    addLine(chart, name, x, y, color, line, true);
  }

  /** Adds a line through the points whose y is finite, with or without a place in the legend. */
  static void addLine(
      XYChart chart, String name, double[] x, double[] y, Color color, BasicStroke line, boolean inLegend) {
    int[] finite = IntStream.range(0, y.length).filter(i -> Double.isFinite(y[i])).toArray();
    if (finite.length > 0) {
      XYSeries series = chart.addSeries(
          name, IntStream.of(finite).mapToDouble(i -> x[i]).toArray(),
          IntStream.of(finite).mapToDouble(i -> y[i]).toArray());
      series.setMarker(SeriesMarkers.NONE).setLineColor(color).setLineStyle(line);
      series.setShowInLegend(inLegend);
    }
  }
}
