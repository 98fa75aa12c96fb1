package dev.norma.djl;

import dev.norma.BatchNormDescriptor;
import dev.norma.Kernels;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;

/** Normalizes by running statistics. */
record BatchNormInference(
    Kernels kernels,
    BatchNormDescriptor norm,
    MemorySegment gamma,
    MemorySegment beta,
    MemorySegment runningMean,
    MemorySegment runningVar)
    implements Pass {

  static BatchNormInference of(
      Kernels kernels, BatchNormDescriptor norm, Affine affine, RunningStatistics running, Optional<Tape> tape) {
    return new BatchNormInference(
        kernels,
        norm,
        affine.gamma().kept(tape),
        affine.beta().memory(),
        running.mean().kept(tape),
        running.variance().kept(tape));
  }

  @Override
  public void forward(MemorySegment x, MemorySegment y) {
    kernels.forwardInference(norm, x, gamma, beta, runningMean, runningVar, y, Passes.ALLOCATED_BY_KERNELS);
  }

  @Override
  public void backward(MemorySegment x, MemorySegment dy, MemorySegment dx, List<MemorySegment> daffine) {
    kernels.backwardInference(
        norm,
        x,
        dy,
        gamma,
        runningMean,
        runningVar,
        dx,
        daffine.get(0),
        daffine.get(1),
        Passes.ALLOCATED_BY_KERNELS);
  }
}
