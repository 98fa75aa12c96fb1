package dev.norma;

import dev.norma.bindings.c.Norma;
import java.lang.foreign.MemorySegment;

/** The C library. Its arguments are checked before they come here; a status other than OK becomes an exception. */
final class NativeKernels implements Kernels, NativeBatchNorm, NativeLayerNorm, NativeGroupNorm {
  /** The one place where a status becomes an exception. */
  static void requireOk(String operation, int status) {
    if (status == Norma.NORMA_OVERLAP()) {
      ArgumentChecks.ofCall().requireDisjointOutputs(); // says which
    }
    if (status != Norma.NORMA_OK()) {
      throw new NormaException(status, operation + ": " + Norma.norma_status_message(status).getString(0));
    }
  }

  @Override
  public void gradientDescentStep(
      GradientDescent rule,
      DataType type,
      long length,
      MemorySegment gradient,
      MemorySegment parameter,
      MemorySegment velocity) {
    requireOk(
        "gradientDescentStep",
        Norma.norma_gradient_descent_step(
            NativeStructs.ofThread().of(rule), type.code(), length, gradient, parameter, velocity));
  }

  @Override
  public String toString() {
    return "native";
  }
}
