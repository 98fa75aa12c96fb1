package dev.norma.djl;

import dev.norma.Kernels;
import dev.norma.LayerNormDescriptor;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;

/** Normalizes rows by their means and variances. */
record LayerNormPass(
    Kernels kernels,
    LayerNormDescriptor norm,
    MemorySegment gamma,
    MemorySegment beta,
    MemorySegment mean,
    MemorySegment invStd)
    implements Pass {

  static LayerNormPass of(Kernels kernels, LayerNormDescriptor norm, Affine affine, Optional<Tape> tape) {
    return new LayerNormPass(
        kernels,
        norm,
        affine.gamma().kept(tape),
        affine.beta().memory(),
        Tape.statistics(tape, norm.rows()),
        Tape.statistics(tape, norm.rows()));
  }

  @Override
  public void forward(MemorySegment x, MemorySegment y) {
    kernels.layerNormForward(norm, x, gamma, beta, y, mean, invStd, Passes.ALLOCATED_BY_KERNELS);
  }

  @Override
  public void backward(MemorySegment x, MemorySegment dy, MemorySegment dx, List<MemorySegment> daffine) {
    kernels.layerNormBackward(
        norm, x, dy, gamma, mean, invStd, dx, daffine.get(0), daffine.get(1), Passes.ALLOCATED_BY_KERNELS);
  }
}
