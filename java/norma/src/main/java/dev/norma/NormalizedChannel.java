package dev.norma;

import java.lang.foreign.MemorySegment;
import java.util.function.LongConsumer;

/** One channel of {@code z = gamma * x_hat + beta + residual}, in double; parameters and residual may be missing. */
final class NormalizedChannel {
  private final BatchNormDescriptor norm;
  private final MemorySegment x;
  private final MemorySegment residual;
  private final long c;
  private final Moments moments;
  private final double invStd;
  private final double scale;
  private final double shift;

  NormalizedChannel(
      BatchNormDescriptor norm,
      MemorySegment x,
      MemorySegment residual,
      MemorySegment gamma,
      MemorySegment beta,
      long c,
      Moments moments) {
    this.norm = norm;
    this.x = x;
    this.residual = residual;
    this.c = c;
    this.moments = moments;
    this.invStd = moments.invStd(norm.epsilon());
    this.scale = parameter(norm, gamma, c, 1);
    this.shift = parameter(norm, beta, c, 0);
  }

  /** A parameter of a channel, or what stands for one that is missing. */
  static double parameter(BatchNormDescriptor norm, MemorySegment parameters, long c, double missing) {
    return parameters.address() == 0 ? missing : norm.dataType().parameterType().get(parameters, c);
  }

  double z(long i) {
    return scale * (deviation(i) * invStd) + shift + residual(i);
  }

  /** How far the native kernels may be off when they compute z. */
  double error(long i, Tolerances tolerances) {
    return tolerances.normalized(moments, scale, shift, deviation(i), residual(i));
  }

  private double deviation(long i) {
    return moments.deviation(norm.dataType().get(x, i));
  }

  private double residual(long i) {
    return residual.address() == 0 ? 0 : norm.dataType().get(residual, i);
  }

  /** Calls an action with the index of each element of the channel. */
  void forEach(LongConsumer action) {
    norm.forEachOf(c, action);
  }

  /** Stores z as y. */
  void store(MemorySegment y) {
    forEach(i -> norm.dataType().set(y, i, z(i)));
  }

  /** Stores max(0, z) as y; NaN where z is NaN. */
  void storeRectified(MemorySegment y) {
    forEach(i -> norm.dataType().set(y, i, Math.max(0, z(i))));
  }

  /** Stores what ReLU lets through of dy: where z > 0 or NaN. */
  void storePassed(MemorySegment dy, MemorySegment passed) {
    forEach(i -> norm.dataType().set(passed, i, z(i) <= 0 ? 0 : norm.dataType().get(dy, i)));
  }
}
