package dev.norma.benchmarks.vector;

import static java.lang.foreign.ValueLayout.JAVA_DOUBLE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.norma.BatchNormDescriptor;
import dev.norma.DataType;
import dev.norma.Layout;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import java.util.function.LongToDoubleFunction;

/** Random inputs of one shape, and what batch normalization makes of them by the formulas in double. */
final class Formulas implements AutoCloseable {
  static final double EPSILON = 1e-5;
  static final double UPDATE_WEIGHT = 0.1;

  /** Changed before a call, so that what the call does not write is seen. */
  private static final double UNTOUCHED = -1e30;

  final BatchNormDescriptor norm;
  final MemorySegment x;
  final MemorySegment y;
  final MemorySegment gamma;
  final MemorySegment beta;
  final MemorySegment runningMean;
  final MemorySegment runningVar;
  private final MemorySegment dy;
  private final MemorySegment dgamma;
  private final MemorySegment dbeta;
  private final Arena arena = Arena.ofShared();
  private final Random random = new Random(7);

  /** Values of x are spread evenly about the mean, one to each side. */
  Formulas(BatchNormDescriptor norm, double mean) {
    this.norm = norm;
    x = filled(norm.tensorBytes(), mean - 1, mean + 1);
    dy = filled(norm.tensorBytes(), -0.5, 1);
    y = filled(norm.tensorBytes(), 0, 1);
    gamma = filled(norm.parameterBytes(), -1.5, 1.5);
    beta = filled(norm.parameterBytes(), -1.5, 1.5);
    runningMean = filled(norm.parameterBytes(), mean - 1, mean + 1);
    runningVar = filled(norm.parameterBytes(), 0.5, 2);
    dgamma = filled(norm.parameterBytes(), 0, 1);
    dbeta = filled(norm.parameterBytes(), 0, 1);
  }

  private MemorySegment filled(long bytes, double low, double high) {
    var array = arena.allocate(bytes, Double.BYTES);
    fill(array, i -> random.nextDouble(low, high));
    return array;
  }

  void fill(MemorySegment array, LongToDoubleFunction values) {
    for (var i = 0L; i < array.byteSize() / norm.dataType().bytes(); i++) {
      set(array, i, values.applyAsDouble(i));
    }
  }

  double get(MemorySegment array, long index) {
    return norm.dataType() == DataType.FLOAT32
        ? array.getAtIndex(JAVA_FLOAT, index)
        : array.getAtIndex(JAVA_DOUBLE, index);
  }

  void set(MemorySegment array, long index, double value) {
    if (norm.dataType() == DataType.FLOAT32) {
      array.setAtIndex(JAVA_FLOAT, index, (float) value);
    } else {
      array.setAtIndex(JAVA_DOUBLE, index, value);
    }
  }

  double[] values(MemorySegment array) {
    var values = new double[(int) (array.byteSize() / norm.dataType().bytes())];
    for (var i = 0; i < values.length; i++) {
      values[i] = get(array, i);
    }
    return values;
  }

  /** Where value i of channel c stands, counted over n, then s. */
  long index(int c, long i) {
    return norm.layout() == Layout.CHANNELS_LAST
        ? i * norm.channels() + c
        : (i / norm.spatial() * norm.channels() + c) * norm.spatial() + i % norm.spatial();
  }

  double[] channel(MemorySegment tensor, int c) {
    var values = new double[(int) norm.valuesPerChannel()];
    for (var i = 0; i < values.length; i++) {
      values[i] = get(tensor, index(c, i));
    }
    return values;
  }

  /** A channel of x by its mean and variance. */
  private record Normalized(double mean, double variance, double invStd, double[] xHat) {
    static Normalized of(double[] x) {
      var mean = 0.0;
      for (var value : x) {
        mean += (value - x[0]) / x.length;
      }
      mean += x[0];
      var variance = 0.0;
      for (var value : x) {
        variance += (value - mean) * (value - mean) / x.length;
      }
      return by(mean, variance, x);
    }

    static Normalized by(double mean, double variance, double[] x) {
      var invStd = 1 / Math.sqrt(variance + EPSILON);
      var xHat = new double[x.length];
      for (var i = 0; i < x.length; i++) {
        xHat[i] = (x[i] - mean) * invStd;
      }
      return new Normalized(mean, variance, invStd, xHat);
    }
  }

  /** Calls the layer; compares y and the running statistics. */
  void forwardTraining(VectorBatchNorm layer, double most) {
    var oldMean = values(runningMean);
    var oldVar = values(runningVar);
    fill(y, i -> UNTOUCHED);
    layer.forwardTraining(x, gamma, beta, runningMean, runningVar, y);
    for (var c = 0; c < norm.channels(); c++) {
      var batch = Normalized.of(channel(x, c));
      compareOutput(c, batch, most);
      var newMean = oldMean[c] + UPDATE_WEIGHT * (batch.mean() - oldMean[c]);
      var unbiased = batch.variance() * norm.valuesPerChannel() / (norm.valuesPerChannel() - 1);
      var newVar = oldVar[c] + UPDATE_WEIGHT * (unbiased - oldVar[c]);
      assertThat(get(runningMean, c)).isCloseTo(newMean, within(most * Math.max(1, Math.abs(newMean))));
      assertThat(get(runningVar, c)).isCloseTo(newVar, within(most * newVar));
    }
  }

  /** Calls the layer; compares y. */
  void forwardInference(VectorBatchNorm layer, double most) {
    fill(y, i -> UNTOUCHED);
    layer.forwardInference(x, gamma, beta, runningMean, runningVar, y);
    for (var c = 0; c < norm.channels(); c++) {
      compareOutput(c, Normalized.by(get(runningMean, c), get(runningVar, c), channel(x, c)), most);
    }
  }

  private void compareOutput(int c, Normalized x, double most) {
    var scale = get(gamma, c);
    var shift = get(beta, c);
    var expected = new double[x.xHat().length];
    for (var i = 0; i < expected.length; i++) {
      expected[i] = scale * x.xHat()[i] + shift;
    }
    var largest = Math.abs(scale) * largest(x.xHat()) + Math.abs(shift);
    compare("y", y, c, expected, most * largest);
  }

  /** Calls the layer, after its forward pass; compares dx, dgamma and dbeta. */
  void backwardTraining(VectorBatchNorm layer, double most) {
    var dx = y;
    fill(dx, i -> UNTOUCHED);
    layer.backwardTraining(x, dy, gamma, dx, dgamma, dbeta);
    for (var c = 0; c < norm.channels(); c++) {
      compareGradients(c, Normalized.of(channel(x, c)), channel(dy, c), dx, most);
    }
  }

  private void compareGradients(int c, Normalized x, double[] gradients, MemorySegment dx, double most) {
    var sumDy = 0.0;
    var sumDyXHat = 0.0;
    for (var i = 0; i < gradients.length; i++) {
      sumDy += gradients[i];
      sumDyXHat += gradients[i] * x.xHat()[i];
    }
    var terms = gradients.length * largest(gradients);
    assertThat(get(dbeta, c)).as("dbeta of channel %d", c).isCloseTo(sumDy, within(most * terms));
    assertThat(get(dgamma, c)).as("dgamma of channel %d", c)
        .isCloseTo(sumDyXHat, within(most * terms * largest(x.xHat())));

    var scale = get(gamma, c) * x.invStd();
    var expected = new double[gradients.length];
    for (var i = 0; i < expected.length; i++) {
      expected[i] = scale * (gradients[i] - (sumDy + x.xHat()[i] * sumDyXHat) / gradients.length);
    }
    var largest = Math.abs(scale) * largest(gradients) * (2 + largest(x.xHat()) * largest(x.xHat()));
    compare("dx", dx, c, expected, most * largest);
  }

  /** Compares a channel of an output. */
  private void compare(String name, MemorySegment output, int c, double[] expected, double tolerance) {
    for (var i = 0; i < expected.length; i++) {
      var computed = get(output, index(c, i));
      if (!(Math.abs(computed - expected[i]) <= tolerance)) {
        throw new AssertionError("value %d of channel %d of %s is %s, not %s to within %s"
            .formatted(i, c, name, computed, expected[i], tolerance));
      }
    }
  }

  private static double largest(double[] values) {
    var largest = 0.0;
    for (var value : values) {
      largest = Math.max(largest, Math.abs(value));
    }
    return largest;
  }

  @Override
  public void close() {
    arena.close();
  }
}
