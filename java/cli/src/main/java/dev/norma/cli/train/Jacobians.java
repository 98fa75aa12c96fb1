package dev.norma.cli.train;

import java.util.function.UnaryOperator;

/**
 * The Jacobian of the normalization, d u_i / d z_j (row i, column j), in four ways.
 *
 * <p>With the batch's variance v and its mean m, u_i = (z_i - m) / sqrt(v + epsilon) depends on z_j by itself, if i is
 * j, through m, whose derivative is 1 / B, and through v, whose derivative is 2 (z_j - m) / B:
 *
 * <pre>
 *   [i == j] / sqrt(v + epsilon) - 1 / (B sqrt(v + epsilon)) - (z_i - m) (z_j - m) / (B (v + epsilon)^(3/2))
 * </pre>
 *
 * The text has (z_1 - m)^2 in place of the product for i != j.
 *
 * @param differences central differences of the kernels' forward pass
 * @param formula the formula above
 * @param text the formula of the text
 * @param backward the kernels' backward pass
 */
record Jacobians(double[][] differences, double[][] formula, double[][] text, double[][] backward) {
  /** Central differences are off by its square times a third of a third derivative, and by rounding over it. */
  private static final double STEP = 1e-5;

  static Jacobians of(Neuron neuron) {
    double[] z = neuron.z(neuron.x());
    double[] moments = neuron.moments(z);
    return new Jacobians(
        differences(neuron::u, z),
        formula(z, moments[0], moments[1], false),
        formula(z, moments[0], moments[1], true),
        neuron.backward(z));
  }

  /** The Jacobian of a function by central differences. */
  static double[][] differences(UnaryOperator<double[]> function, double[] at) {
    var jacobian = new double[at.length][at.length];
    for (int j = 0; j < at.length; j++) {
      double[] above = function.apply(moved(at, j, STEP));
      double[] below = function.apply(moved(at, j, -STEP));
      for (int i = 0; i < at.length; i++) {
        jacobian[i][j] = (above[i] - below[i]) / (2 * STEP);
      }
    }
    return jacobian;
  }

  private static double[] moved(double[] at, int index, double by) {
    double[] moved = at.clone();
    moved[index] += by;
    return moved;
  }

  private static double[][] formula(double[] z, double mean, double variance, boolean asTheText) {
    double invStd = 1 / Math.sqrt(variance + Neuron.EPSILON);
    int batch = z.length;
    var jacobian = new double[batch][batch];
    for (int i = 0; i < batch; i++) {
      for (int j = 0; j < batch; j++) {
        double product = asTheText && i != j
            ? (z[0] - mean) * (z[0] - mean)
            : (z[i] - mean) * (z[j] - mean);
        jacobian[i][j] = (i == j ? invStd : 0) - invStd / batch - product * invStd * invStd * invStd / batch;
      }
    }
    return jacobian;
  }

  /** The largest absolute difference of two matrices. */
  static double largestDifference(double[][] a, double[][] b) {
    double largest = 0;
    for (int i = 0; i < a.length; i++) {
      for (int j = 0; j < a.length; j++) {
        largest = Math.max(largest, Math.abs(a[i][j] - b[i][j]));
      }
    }
    return largest;
  }
}
