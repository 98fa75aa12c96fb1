package dev.norma;

import dev.norma.bindings.NormaLibrary;
import java.lang.foreign.MemorySegment;

/** Checks every argument before other kernels see it, so that no kernel reads or writes what it must not. */
record ValidatedKernels(Kernels unchecked, boolean refuseOverlaps)
    implements Kernels, ValidatedBatchNorm, ValidatedLayerNorm, ValidatedGroupNorm {
  static final Kernels REFERENCE = new ValidatedKernels(new ReferenceKernels(), false);

  private static final Kernels NATIVE = new ValidatedKernels(new NativeKernels(), true);
  private static final Kernels CHECKED =
      new ValidatedKernels(new CheckedKernels(new NativeKernels(), new ReferenceKernels()), false);

  /** What such kernels call when all is checked; others are as they are. */
  static Kernels withoutChecks(Kernels kernels) {
    return kernels instanceof ValidatedKernels validated ? validated.unchecked : kernels;
  }

  static Kernels nativeKernels() {
    NormaLibrary.load();
    return NATIVE;
  }

  static Kernels checked() {
    NormaLibrary.load();
    return CHECKED;
  }

  @Override
  public void gradientDescentStep(
      GradientDescent rule,
      DataType type,
      long length,
      MemorySegment gradient,
      MemorySegment parameter,
      MemorySegment velocity) {
    var alignment = type.parameterType().bytes();
    var bytes = Validating.arrayBytes("length", length, alignment);
    var checks =
        ArgumentChecks.begin()
            .input("gradient", gradient, bytes, alignment)
            .output("parameter", parameter, bytes, alignment);
    if (rule.momentum() > 0) {
      checks.output("velocity", velocity, bytes, alignment);
    } else {
      checks.optionalOutput("velocity", velocity, bytes, alignment);
    }
    requireDisjointOutputs(checks);
    unchecked.gradientDescentStep(rule, type, length, gradient, parameter, velocity);
  }

  @Override
  public String toString() {
    return unchecked.toString();
  }
}
