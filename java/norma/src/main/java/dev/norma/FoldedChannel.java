package dev.norma;

import java.lang.foreign.MemorySegment;
import java.util.function.LongConsumer;

/**
 * One channel of a dense layer or convolution with the normalization behind it folded in, in double; bias, gamma and
 * beta may be missing.
 */
final class FoldedChannel {
  private final BatchNormDescriptor rows;
  private final MemorySegment weights;
  private final long c;
  private final double scale;
  private final double deviation;
  private final double shift;

  FoldedChannel(
      BatchNormDescriptor rows,
      MemorySegment weights,
      MemorySegment bias,
      MemorySegment gamma,
      MemorySegment beta,
      long c,
      Moments running) {
    this.rows = rows;
    this.weights = weights;
    this.c = c;
    this.scale = NormalizedChannel.parameter(rows, gamma, c, 1) * running.invStd(rows.epsilon());
    this.deviation = NormalizedChannel.parameter(rows, bias, c, 0) - running.mean();
    this.shift = NormalizedChannel.parameter(rows, beta, c, 0);
  }

  /** Rows of weights lie in memory like a tensor with one sample. */
  static BatchNormDescriptor rows(DataType type, long channels, long fanIn, double epsilon) {
    return new BatchNormDescriptor(1, channels, fanIn, epsilon, type, Layout.CHANNELS_FIRST, 0);
  }

  double weight(long i) {
    return rows.dataType().get(weights, i) * scale;
  }

  double bias() {
    return deviation * scale + shift;
  }

  /** The magnitudes of the terms of the bias. */
  double biasTerms() {
    return Math.abs(deviation * scale) + Math.abs(shift);
  }

  /** Calls an action with the index of each weight of the channel. */
  void forEach(LongConsumer action) {
    rows.forEachOf(c, action);
  }

  void store(MemorySegment foldedWeights, MemorySegment foldedBias) {
    forEach(i -> rows.dataType().set(foldedWeights, i, weight(i)));
    rows.dataType().parameterType().set(foldedBias, c, bias());
  }
}
