package dev.norma.djl;

import dev.norma.GroupNormDescriptor;
import dev.norma.Kernels;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;

/** Normalizes groups of channels by their means and variances. */
record GroupNormPass(
    Kernels kernels,
    GroupNormDescriptor norm,
    MemorySegment gamma,
    MemorySegment beta,
    MemorySegment mean,
    MemorySegment variance,
    MemorySegment invStd)
    implements Pass {

  static GroupNormPass of(Kernels kernels, GroupNormDescriptor norm, Affine affine, Optional<Tape> tape) {
    long groups = norm.batch() * norm.groups();
    return new GroupNormPass(
        kernels,
        norm,
        affine.gamma().kept(tape),
        affine.beta().memory(),
        Tape.statistics(tape, groups),
        MemorySegment.NULL,
        Tape.statistics(tape, groups));
  }

  /** The same with variances, for running statistics. */
  GroupNormPass withVariance(Tape tape) {
    return new GroupNormPass(
        kernels, norm, gamma, beta, mean, tape.statistics(norm.batch() * norm.groups()), invStd);
  }

  @Override
  public void forward(MemorySegment x, MemorySegment y) {
    kernels.groupNormForward(norm, x, gamma, beta, y, mean, variance, invStd, Passes.ALLOCATED_BY_KERNELS);
  }

  @Override
  public void backward(MemorySegment x, MemorySegment dy, MemorySegment dx, List<MemorySegment> daffine) {
    kernels.groupNormBackward(
        norm, x, dy, gamma, mean, invStd, dx, daffine.get(0), daffine.get(1), Passes.ALLOCATED_BY_KERNELS);
  }
}
