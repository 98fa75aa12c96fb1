package dev.norma;

import static dev.norma.NativeKernels.requireOk;

import dev.norma.bindings.c.Norma;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Group and instance normalization by the C library. */
interface NativeGroupNorm extends GroupNormKernels {
  @Override
  default long workspaceSize(GroupNormDescriptor norm) {
    var structs = NativeStructs.ofThread();
    requireOk("workspaceSize", Norma.norma_group_norm_workspace_size(structs.of(norm), structs.size()));
    return structs.size().get(ValueLayout.JAVA_LONG, 0);
  }

  @Override
  default void groupNormForward(
      GroupNormDescriptor norm,
      MemorySegment x,
      MemorySegment gamma,
      MemorySegment beta,
      MemorySegment y,
      MemorySegment mean,
      MemorySegment variance,
      MemorySegment invStd,
      MemorySegment workspace) {
    requireOk(
        "groupNormForward",
        Norma.norma_group_norm_forward(
            struct(norm), x, gamma, beta, y, mean, variance, invStd, workspace, workspace.byteSize()));
  }

  private static MemorySegment struct(GroupNormDescriptor norm) {
    return NativeStructs.ofThread().of(norm);
  }

  @Override
  default void groupNormBackward(
      GroupNormDescriptor norm,
      MemorySegment x,
      MemorySegment dy,
      MemorySegment gamma,
      MemorySegment mean,
      MemorySegment invStd,
      MemorySegment dx,
      MemorySegment dgamma,
      MemorySegment dbeta,
      MemorySegment workspace) {
    requireOk(
        "groupNormBackward",
        Norma.norma_group_norm_backward(
            struct(norm), x, dy, gamma, mean, invStd, dx, dgamma, dbeta, workspace, workspace.byteSize()));
  }

  @Override
  default void instanceNormAverageStatistics(
      long batch,
      long channels,
      MemorySegment means,
      MemorySegment variances,
      MemorySegment mean,
      MemorySegment variance) {
    requireOk(
        "instanceNormAverageStatistics",
        Norma.norma_instance_norm_average_statistics(batch, channels, means, variances, mean, variance));
  }
}
