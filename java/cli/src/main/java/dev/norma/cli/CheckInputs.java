package dev.norma.cli;

import dev.norma.BatchNormDescriptor;
import dev.norma.DataType;
import dev.norma.Kernels;
import dev.norma.Layout;
import dev.norma.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import java.util.function.LongToDoubleFunction;

/** Random inputs of all operations for one case, the same for the same seed. */
final class CheckInputs {
  /** Running statistics in float must hold the square of what they follow. */
  private static final double LARGEST_FLOAT_VARIANCE = 1e30;

  final CheckCase checkCase;
  final BatchNormDescriptor norm;
  final Tensor x;
  final Tensor dy;
  final Tensor residual;
  final Tensor gamma;
  final Tensor beta;
  final Tensor runningMean;
  final Tensor runningVar;
  final Tensor mean;
  final Tensor variance;

  CheckInputs(CheckCase checkCase, long seed, Arena arena) {
    var random = new Random(seed);
    var type = checkCase.type();
    this.checkCase = checkCase;
    x = Tensor.allocate(arena, type, checkCase.layout(), checkCase.shape().extents());
    norm = BatchNormDescriptor.of(x, checkCase.data().epsilon(), 0);
    dy = Tensor.allocate(arena, type, checkCase.layout(), checkCase.shape().extents());
    fill(x, i -> checkCase.data().draw(random, type, channel(i)));
    fill(dy, i -> random.nextGaussian());
    gamma = filled(arena, c -> 1 + random.nextGaussian() / 2);
    beta = filled(arena, c -> random.nextGaussian());
    runningMean = filled(arena, c -> checkCase.data().draw(random, type, c));
    runningVar = filled(arena, c -> runningVariance(random, c));
    residual = Tensor.allocate(arena, type, checkCase.layout(), checkCase.shape().extents());
    fill(residual, i -> random.nextGaussian());
    mean = array(arena, DataType.FLOAT64, channels());
    variance = array(arena, DataType.FLOAT64, channels());
    Kernels.reference()
        .localStatistics(norm, x.segment(), mean.segment(), variance.segment(), MemorySegment.NULL);
  }

  private double runningVariance(Random random, long channel) {
    double deviation = checkCase.data().draw(random, checkCase.type(), channel)
        - checkCase.data().draw(random, checkCase.type(), channel);
    double variance = deviation * deviation;
    return checkCase.type() == DataType.FLOAT64
        ? variance
        : Math.clamp(variance, 1 / LARGEST_FLOAT_VARIANCE, LARGEST_FLOAT_VARIANCE);
  }

  long channels() {
    return norm.channels();
  }

  /** The channel of the element that is the i-th in memory. */
  long channel(long i) {
    return norm.layout() == Layout.CHANNELS_FIRST ? i / norm.spatial() % norm.channels() : i % norm.channels();
  }

  /** An array of parameters or statistics. */
  static Tensor array(Arena arena, DataType type, long length) {
    return Tensor.allocate(arena, type, Layout.CHANNELS_FIRST, 1, length);
  }

  private Tensor filled(Arena arena, LongToDoubleFunction values) {
    return parameters(arena, norm.channels(), values);
  }

  /** So many parameters of the case's type. */
  Tensor parameters(Arena arena, long length, LongToDoubleFunction values) {
    return fill(array(arena, norm.dataType().parameterType(), length), values);
  }

  private static Tensor fill(Tensor tensor, LongToDoubleFunction values) {
    for (long i = 0; i < tensor.size(); i++) {
      tensor.set(i, values.applyAsDouble(i));
    }
    return tensor;
  }
}
