package dev.norma;

import java.lang.foreign.MemorySegment;

/**
 * Gamma and beta of a layer, with their gradients and velocities. Where it has no gamma or no beta, all that belongs to
 * it is NULL.
 */
final class Affine {
  final MemorySegment gamma;
  final MemorySegment beta;
  final MemorySegment gammaGradient;
  final MemorySegment betaGradient;
  final MemorySegment gammaVelocity;
  final MemorySegment betaVelocity;

  private final DataType dataType;
  private final long length;

  /** For tensors of that data type; gamma is ones, beta zeros. */
  Affine(LayerMemory memory, DataType dataType, long length, boolean hasGamma, boolean hasBeta) {
    this.dataType = dataType;
    this.length = length;
    var type = dataType.parameterType();
    var bytes = length * type.bytes();
    gamma = memory.allocate(hasGamma ? bytes : 0);
    beta = memory.allocate(hasBeta ? bytes : 0);
    gammaGradient = memory.allocate(gamma.byteSize());
    betaGradient = memory.allocate(beta.byteSize());
    gammaVelocity = memory.allocate(gamma.byteSize());
    betaVelocity = memory.allocate(beta.byteSize());
    for (var i = 0L; hasGamma && i < length; i++) {
      type.set(gamma, i, 1);
    }
  }

  boolean hasGamma() {
    return gamma.address() != 0;
  }

  boolean hasBeta() {
    return beta.address() != 0;
  }

  void step(Kernels kernels, GradientDescent rule) {
    if (hasGamma()) {
      step(kernels, rule, gammaGradient, gamma, gammaVelocity);
    }
    if (hasBeta()) {
      step(kernels, rule, betaGradient, beta, betaVelocity);
    }
  }

  /** A rule without momentum leaves the velocity alone. */
  private void step(
      Kernels kernels,
      GradientDescent rule,
      MemorySegment gradient,
      MemorySegment parameter,
      MemorySegment velocity) {
    kernels.gradientDescentStep(
        rule, dataType, length, gradient, parameter, rule.momentum() > 0 ? velocity : MemorySegment.NULL);
  }
}
