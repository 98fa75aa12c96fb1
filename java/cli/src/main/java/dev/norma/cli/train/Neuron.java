package dev.norma.cli.train;

import dev.norma.BatchNorm;
import dev.norma.DataType;
import dev.norma.Kernels;
import dev.norma.Layout;
import dev.norma.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import java.util.stream.IntStream;

/**
 * A neuron with one input and batch normalization between its affine map and its activation, for a small batch in
 * double: z_i = weight * x_i + bias, u_i is z_i normalized by Norma's kernels, and the output is
 * a_i = sigmoid(gamma * u_i + beta).
 */
final class Neuron implements AutoCloseable {
  static final int BATCH = 4;
  static final double EPSILON = 1e-5;

  private final double weight;
  private final double bias;
  private final double gamma;
  private final double beta;
  private final double[] x;
  private final Arena arena = Arena.ofConfined();
  private final BatchNorm layer;
  private final Tensor input = tensor();
  private final Tensor output = tensor();
  private final Tensor gradient = tensor();

  /** With random parameters and inputs. */
  Neuron(long seed, Kernels kernels) {
    var random = new Random(seed);
    weight = random.nextGaussian();
    bias = random.nextGaussian();
    gamma = 1 + random.nextDouble();
    beta = random.nextGaussian();
    x = IntStream.range(0, BATCH).mapToDouble(i -> i - 1.5 + 0.5 * random.nextGaussian()).toArray();
    layer = BatchNorm.builder(1)
        .dataType(DataType.FLOAT64)
        .epsilon(EPSILON)
        .affine(false)
        .threads(1)
        .kernels(kernels)
        .build();
  }

  private Tensor tensor() {
    return Tensor.allocate(arena, DataType.FLOAT64, Layout.CHANNELS_FIRST, BATCH, 1);
  }

  String describe() {
    return "z = %.4f x %+.4f, u = z normalized, a = sigmoid(%.4f u %+.4f), x = %s".formatted(
        weight, bias, gamma, beta, String.join(" ", IntStream.range(0, BATCH)
            .mapToObj(i -> "%.4f".formatted(x[i])).toList()));
  }

  double[] x() {
    return x.clone();
  }

  /** The affine map. */
  double[] z(double[] inputs) {
    return IntStream.range(0, BATCH).mapToDouble(i -> weight * inputs[i] + bias).toArray();
  }

  /** The normalization, by the kernels. */
  double[] u(double[] z) {
    layer.forward(input.copyFrom(z), output);
    return output.toDoubles();
  }

  /** The whole neuron. */
  double[] a(double[] inputs) {
    double[] u = u(z(inputs));
    return IntStream.range(0, BATCH).mapToDouble(i -> sigmoid(gamma * u[i] + beta)).toArray();
  }

  private static double sigmoid(double value) {
    return 1 / (1 + Math.exp(-value));
  }

  /** The Jacobian of u by z: row i is the backward pass of the kernels for the gradient 1 at u_i. */
  double[][] backward(double[] z) {
    layer.forward(input.copyFrom(z), output);
    var rows = new double[BATCH][];
    for (int i = 0; i < BATCH; i++) {
      var one = new double[BATCH];
      one[i] = 1;
      layer.backward(input, gradient.copyFrom(one), output);
      rows[i] = output.toDoubles();
    }
    return rows;
  }

  /** The Jacobian of a by x, given that of u by z. */
  double[][] whole(double[][] normalization) {
    double[] a = a(x);
    var jacobian = new double[BATCH][BATCH];
    for (int i = 0; i < BATCH; i++) {
      for (int j = 0; j < BATCH; j++) {
        jacobian[i][j] = a[i] * (1 - a[i]) * gamma * normalization[i][j] * weight;
      }
    }
    return jacobian;
  }

  /** Mean and variance of z, as the kernels have them. */
  double[] moments(double[] z) {
    u(z);
    return new double[] {
      layer.batchMean().get(ValueLayout.JAVA_DOUBLE, 0), layer.batchVariance().get(ValueLayout.JAVA_DOUBLE, 0)
    };
  }

  @Override
  public void close() {
    layer.close();
    arena.close();
  }
}
