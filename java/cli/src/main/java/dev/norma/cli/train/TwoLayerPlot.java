package dev.norma.cli.train;

import java.awt.BasicStroke;
import java.awt.Color;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.style.Styler.LegendPosition;

/** Draws the deviation in test mode against the iterations in training mode, for each way of running statistics. */
final class TwoLayerPlot {
  private TwoLayerPlot() {}

  static void write(Path file, List<RunningHistory> histories) throws IOException {
    Charts.write(file, () -> histories.stream().map(TwoLayerPlot::chart).toList());
  }

  private static XYChart chart(RunningHistory history) {
    var chart = Charts.chart(
        "Output 1 in test mode: " + history.name(), "iterations in training mode",
        "deviation, 1 is right", LegendPosition.OutsideE);
    chart.getStyler().setYAxisLogarithmic(true).setXAxisMin(0.0).setXAxisMax(1.02 * TwoLayerExperiment.MORE_ITERATIONS);
    double[] iterations = IntStream.rangeClosed(0, TwoLayerExperiment.MORE_ITERATIONS).asDoubleStream().toArray();
    for (var way : RunningCase.values()) {
      double[] ratios = IntStream.rangeClosed(0, TwoLayerExperiment.MORE_ITERATIONS)
          .mapToDouble(n -> drawable(history.deviationRatio(way, n)))
          .toArray();
      Charts.addLine(chart, way.title(), iterations, ratios, color(way), line(way));
    }
    return chart;
  }

  /** A constant output, which has no place on a logarithmic axis but for its rounding errors, is left out. */
  private static double drawable(double ratio) {
    return ratio < 1e-6 ? Double.NaN : ratio;
  }

  /** What is right is a broad pale line below the others. */
  private static Color color(RunningCase way) {
    return switch (way) {
      case RIGHT -> Palette.of(1).pale();
      case NOT_UPDATED -> Palette.of(0).color();
      default -> Palette.of(way.ordinal()).color();
    };
  }

  private static BasicStroke line(RunningCase way) {
    return switch (way) {
      case RIGHT -> Palette.solid(8f);
      case NOT_UPDATED -> Palette.of(0).line();
      default -> Palette.of(way.ordinal()).line();
    };
  }
}
