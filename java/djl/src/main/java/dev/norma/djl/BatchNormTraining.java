package dev.norma.djl;

import dev.norma.BatchNormDescriptor;
import dev.norma.Kernels;
import java.lang.foreign.MemorySegment;
import java.util.List;

/** Normalizes by the statistics of the batch and updates the running statistics. */
record BatchNormTraining(
    Kernels kernels,
    BatchNormDescriptor norm,
    MemorySegment gamma,
    MemorySegment beta,
    RunningStatistics running,
    MemorySegment mean,
    MemorySegment variance)
    implements Pass {

  static BatchNormTraining of(
      Kernels kernels, BatchNormDescriptor norm, Affine affine, RunningStatistics running, Tape tape) {
    return new BatchNormTraining(
        kernels,
        norm,
        tape.copy(affine.gamma()),
        affine.beta().memory(),
        running,
        tape.statistics(norm.channels()),
        tape.statistics(norm.channels()));
  }

  @Override
  public void forward(MemorySegment x, MemorySegment y) {
    kernels.forwardTraining(norm, x, gamma, beta, y, mean, variance, Passes.ALLOCATED_BY_KERNELS);
    running.update(kernels, norm.dataType(), norm.channels(), norm.valuesPerChannel(), mean, variance);
  }

  @Override
  public void backward(MemorySegment x, MemorySegment dy, MemorySegment dx, List<MemorySegment> daffine) {
    kernels.backwardTraining(
        norm, x, dy, gamma, mean, variance, dx, daffine.get(0), daffine.get(1), Passes.ALLOCATED_BY_KERNELS);
  }
}
