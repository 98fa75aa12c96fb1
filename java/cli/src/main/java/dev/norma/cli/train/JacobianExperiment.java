package dev.norma.cli.train;

import dev.norma.Kernels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.DoubleStream;

/**
 * Shows the Jacobian of one neuron's batch normalization: by finite differences, by the formula, as the text has it,
 * and by Norma's backward pass.
 *
 * @param seed decides the neuron and its batch
 * @param checked whether every call of the kernels is compared with the reference
 */
record JacobianExperiment(long seed, boolean checked) {
  void run(Output output) throws IOException {
    try (var neuron = new Neuron(seed, checked ? Kernels.checked() : Kernels.nativeKernels())) {
      var jacobians = Jacobians.of(neuron);
      output.lines(List.of("Neuron:   " + neuron.describe()));
      output.lines(matrices(jacobians));
      output.lines(largestDifferences(neuron, jacobians));
      if (checked) {
        output.agreed();
      }
      output.write("jacobian.csv", file -> writeTable(file, jacobians));
      output.write("jacobian.png", file -> JacobianPlot.write(file, jacobians));
    }
  }

  private static List<String> matrices(Jacobians jacobians) {
    var lines = new ArrayList<String>();
    lines.addAll(matrix("d u_i / d z_j (row i, column j) by finite differences of Norma's forward pass:",
        jacobians.differences()));
    lines.addAll(matrix("The formula, whose last term for i != j is -(z_i - m)(z_j - m) / (B (v + epsilon)^(3/2)):",
        jacobians.formula()));
    lines.addAll(matrix("The text's formula, whose last term for i != j is -(z_1 - m)^2 / (B (v + epsilon)^(3/2)):",
        jacobians.text()));
    return lines;
  }

  private static List<String> matrix(String title, double[][] values) {
    var lines = new ArrayList<>(List.of(title));
    for (double[] row : values) {
      lines.add("  " + String.join(" ", DoubleStream.of(row).mapToObj("%12.8f"::formatted).toList()));
    }
    return lines;
  }

  private static List<String> largestDifferences(Neuron neuron, Jacobians jacobians) {
    var columns = new Columns(26, 24);
    double[][] whole = Jacobians.differences(neuron::a, neuron.x());
    var lines = new ArrayList<>(List.of(
        columns.row("largest difference from", List.of("normalization", "whole neuron")),
        columns.row("finite differences", List.of("d u_i / d z_j", "d a_i / d x_j")),
        columns.rule(2)));
    lines.add(difference(columns, "the formula", neuron, jacobians, jacobians.formula(), whole));
    lines.add(difference(columns, "the text's formula", neuron, jacobians, jacobians.text(), whole));
    lines.add(difference(columns, "Norma's backward pass", neuron, jacobians, jacobians.backward(), whole));
    return lines;
  }

  private static String difference(
      Columns columns, String name, Neuron neuron, Jacobians jacobians, double[][] candidate, double[][] whole) {
    return columns.row(name, List.of(
        "%.1e".formatted(Jacobians.largestDifference(candidate, jacobians.differences())),
        "%.1e".formatted(Jacobians.largestDifference(neuron.whole(candidate), whole))));
  }

  private static void writeTable(Path file, Jacobians jacobians) throws IOException {
    var lines = new StringBuilder("i,j,finite_differences,formula,text,backward\n");
    for (int i = 0; i < Neuron.BATCH; i++) {
      for (int j = 0; j < Neuron.BATCH; j++) {
        lines.append("%d,%d,%.12f,%.12f,%.12f,%.12f\n".formatted(
            i + 1, j + 1, jacobians.differences()[i][j], jacobians.formula()[i][j], jacobians.text()[i][j],
            jacobians.backward()[i][j]));
      }
    }
    Files.writeString(file, lines);
  }
}
