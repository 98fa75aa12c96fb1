package dev.norma.cli.train;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.style.Styler.LegendPosition;

/** Draws the entries of the Jacobian, one row after the other: formulas beside finite differences. */
final class JacobianPlot {
  private JacobianPlot() {}

  static void write(Path file, Jacobians jacobians) throws IOException {
    Charts.write(file, () -> List.of(chart(jacobians)));
  }

  private static XYChart chart(Jacobians jacobians) {
    var chart = Charts.chart(
        "The Jacobian of batch normalization, row by row", "entry", "d u_i / d z_j", LegendPosition.OutsideE);
    int last = Neuron.BATCH * Neuron.BATCH;
    chart.getStyler().setXAxisMin(0.5).setXAxisMax(last + 0.5);
    double[] entries = IntStream.rangeClosed(1, last).asDoubleStream().toArray();
    Charts.addLine(chart, "finite differences", entries, flat(jacobians.differences()), Palette.of(1).pale(),
        Palette.solid(6f));
    Charts.addLine(chart, "formula", entries, flat(jacobians.formula()), Palette.of(1).color(), Palette.solid(1.5f));
    Charts.addLine(chart, "the text's formula", entries, flat(jacobians.text()), Palette.of(0).color(),
        Palette.of(0).line());
    return chart;
  }

  private static double[] flat(double[][] matrix) {
    return Stream.of(matrix).flatMapToDouble(Arrays::stream).toArray();
  }
}
