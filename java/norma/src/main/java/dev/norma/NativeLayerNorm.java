package dev.norma;

import static dev.norma.NativeKernels.requireOk;

import dev.norma.bindings.c.Norma;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Layer and RMS normalization by the C library. */
interface NativeLayerNorm extends LayerNormKernels {
  @Override
  default long workspaceSize(LayerNormDescriptor norm) {
    var structs = NativeStructs.ofThread();
    requireOk("workspaceSize", Norma.norma_layer_norm_workspace_size(structs.of(norm), structs.size()));
    return structs.size().get(ValueLayout.JAVA_LONG, 0);
  }

  @Override
  default void layerNormForward(
      LayerNormDescriptor norm,
      MemorySegment x,
      MemorySegment gamma,
      MemorySegment beta,
      MemorySegment y,
      MemorySegment mean,
      MemorySegment invStd,
      MemorySegment workspace) {
    requireOk(
        "layerNormForward",
        Norma.norma_layer_norm_forward(
            struct(norm), x, gamma, beta, y, mean, invStd, workspace, workspace.byteSize()));
  }

  private static MemorySegment struct(LayerNormDescriptor norm) {
    return NativeStructs.ofThread().of(norm);
  }

  @Override
  default void layerNormBackward(
      LayerNormDescriptor norm,
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
        "layerNormBackward",
        Norma.norma_layer_norm_backward(
            struct(norm), x, dy, gamma, mean, invStd, dx, dgamma, dbeta, workspace, workspace.byteSize()));
  }

  @Override
  default void rmsNormForward(
      LayerNormDescriptor norm,
      MemorySegment x,
      MemorySegment gamma,
      MemorySegment y,
      MemorySegment invRms,
      MemorySegment workspace) {
    requireOk(
        "rmsNormForward",
        Norma.norma_rms_norm_forward(struct(norm), x, gamma, y, invRms, workspace, workspace.byteSize()));
  }

  @Override
  default void rmsNormBackward(
      LayerNormDescriptor norm,
      MemorySegment x,
      MemorySegment dy,
      MemorySegment gamma,
      MemorySegment invRms,
      MemorySegment dx,
      MemorySegment dgamma,
      MemorySegment workspace) {
    requireOk(
        "rmsNormBackward",
        Norma.norma_rms_norm_backward(
            struct(norm), x, dy, gamma, invRms, dx, dgamma, workspace, workspace.byteSize()));
  }
}
