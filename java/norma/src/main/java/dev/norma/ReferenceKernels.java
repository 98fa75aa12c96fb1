package dev.norma;

import java.lang.foreign.MemorySegment;

/**
 * The oracle: the formulas of {@link Kernels} as plain loops, in double whatever the data type, rounded once when
 * stored. It knows no speed; what it must be is evidently right.
 */
final class ReferenceKernels implements Kernels, ReferenceBatchNorm, ReferenceLayerNorm, ReferenceGroupNorm {
  @Override
  public void gradientDescentStep(
      GradientDescent rule,
      DataType dataType,
      long length,
      MemorySegment gradient,
      MemorySegment parameter,
      MemorySegment velocity) {
    var type = dataType.parameterType();
    var hasVelocity = velocity.address() != 0;
    for (var i = 0L; i < length; i++) {
      var old = type.get(parameter, i);
      var g = type.get(gradient, i) + rule.weightDecay() * old;
      var v = hasVelocity ? rule.momentum() * type.get(velocity, i) + g : g;
      type.set(parameter, i, old - rule.learningRate() * (rule.nesterov() ? g + rule.momentum() * v : v));
      if (hasVelocity) {
        type.set(velocity, i, v);
      }
    }
  }

  @Override
  public String toString() {
    return "reference";
  }
}
