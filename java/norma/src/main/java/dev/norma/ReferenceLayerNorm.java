package dev.norma;

import static java.lang.foreign.MemorySegment.NULL;

import java.lang.foreign.MemorySegment;

/** Layer and RMS normalization in plain loops. Each row is taken by itself. */
interface ReferenceLayerNorm extends LayerNormKernels {
  @Override
  default long workspaceSize(LayerNormDescriptor norm) {
    return 0;
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
    var rows = Slices.of(norm);
    for (var row = 0L; row < rows.count(); row++) {
      var by = Standardization.of(rows.moments(x, row), norm.epsilon());
      by.store(mean, invStd, row);
      new NormalizedSlice(rows, row, by, x, gamma, beta).store(y);
    }
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
    new SliceGradients(Slices.of(norm), true, x, dy, gamma).store(mean, invStd, dx, dgamma, dbeta);
  }

  @Override
  default void rmsNormForward(
      LayerNormDescriptor norm,
      MemorySegment x,
      MemorySegment gamma,
      MemorySegment y,
      MemorySegment invRms,
      MemorySegment workspace) {
    var rows = Slices.of(norm);
    for (var row = 0L; row < rows.count(); row++) {
      var by = Standardization.of(rows.squares(x, row), norm.epsilon());
      by.store(NULL, invRms, row);
      new NormalizedSlice(rows, row, by, x, gamma, NULL).store(y);
    }
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
    new SliceGradients(Slices.of(norm), false, x, dy, gamma).store(NULL, invRms, dx, dgamma, NULL);
  }
}
