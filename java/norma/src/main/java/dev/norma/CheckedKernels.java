package dev.norma;

import static java.lang.foreign.MemorySegment.NULL;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Runs each operation twice, the reference into scratch memory, and keeps copies of inputs that are outputs. Every
 * value must agree within what {@link Tolerances} derives. What is made from intermediate results is compared with what
 * the reference makes from the native ones, and those with the reference's own.
 */
record CheckedKernels(Kernels kernels, ReferenceKernels reference)
    implements Kernels, CheckedBatchNorm, CheckedLayerNorm, CheckedGroupNorm {
  @Override
  public void gradientDescentStep(
      GradientDescent rule,
      DataType dataType,
      long length,
      MemorySegment gradient,
      MemorySegment parameter,
      MemorySegment velocity) {
    try (var arena = Arena.ofConfined()) {
      var type = dataType.parameterType();
      var tolerances = new Tolerances(type, 0);
      var hasVelocity = velocity.address() != 0;
      var parameters = Expectation.ofArray(arena, "gradientDescentStep", "parameter", length, type);
      var velocities = Expectation.ofArray(arena, "gradientDescentStep", "velocity", length, type);
      MemorySegment.copy(parameter, 0, parameters.values(), 0, length * type.bytes());
      if (hasVelocity) {
        MemorySegment.copy(velocity, 0, velocities.values(), 0, length * type.bytes());
      }
      for (var i = 0L; i < length; i++) {
        var p = Math.abs(parameters.value(i));
        var g = Math.abs(type.get(gradient, i)) + rule.weightDecay() * p;
        var v = g + rule.momentum() * Math.abs(velocities.value(i));
        velocities.allow(i, tolerances.roundedOnce(v));
        parameters.allow(i, tolerances.roundedOnce(p + rule.learningRate() * 2 * v));
      }
      reference.gradientDescentStep(
          rule, type, length, gradient, parameters.values(), hasVelocity ? velocities.values() : NULL);
      kernels.gradientDescentStep(rule, dataType, length, gradient, parameter, velocity);
      parameters.compare(parameter);
      if (hasVelocity) {
        velocities.compare(velocity);
      }
    }
  }

  @Override
  public String toString() {
    return "checked";
  }
}
