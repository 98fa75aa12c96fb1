package dev.norma.djl;

import dev.norma.Kernels;
import dev.norma.LayerNormDescriptor;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;

/** Normalizes rows by their mean squares. */
record RmsNormPass(Kernels kernels, LayerNormDescriptor norm, MemorySegment gamma, MemorySegment invRms)
    implements Pass {

  static RmsNormPass of(Kernels kernels, LayerNormDescriptor norm, ParameterValue gamma, Optional<Tape> tape) {
    return new RmsNormPass(kernels, norm, gamma.kept(tape), Tape.statistics(tape, norm.rows()));
  }

  @Override
  public void forward(MemorySegment x, MemorySegment y) {
    kernels.rmsNormForward(norm, x, gamma, y, invRms, Passes.ALLOCATED_BY_KERNELS);
  }

  @Override
  public void backward(MemorySegment x, MemorySegment dy, MemorySegment dx, List<MemorySegment> daffine) {
    kernels.rmsNormBackward(norm, x, dy, gamma, invRms, dx, daffine.get(0), Passes.ALLOCATED_BY_KERNELS);
  }
}
