package dev.norma;

import static java.lang.foreign.MemorySegment.NULL;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Layer and RMS normalization, compared with the reference. */
interface CheckedLayerNorm extends LayerNormKernels, Checking {
  @Override
  default long workspaceSize(LayerNormDescriptor norm) {
    return kernels().workspaceSize(norm);
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
    try (var arena = Arena.ofConfined()) {
      var rows = Slices.of(norm);
      var expected = new ExpectedSlices(arena, "layerNormForward", rows);
      // The input may be the output. Statistics that are not wanted are asked for as well: y is made from them.
      var input = rows.copyOf(arena, x);
      var means = expected.statisticsOrScratch(mean);
      var inverses = expected.statisticsOrScratch(invStd);
      kernels().layerNormForward(norm, x, gamma, beta, y, means, inverses, workspace);
      expected.compareMean(input, means);
      expected.compareInvStd(input, inverses);
      expected.compareOutput(input, gamma, beta, means, inverses, y);
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
    try (var arena = Arena.ofConfined()) {
      var rows = Slices.of(norm);
      var exact = new SliceGradients(rows, true, x, dy, gamma);
      var expected = new ExpectedSlices(arena, "layerNormBackward", rows).new Gradients(exact, mean, invStd);
      kernels().layerNormBackward(norm, x, dy, gamma, mean, invStd, dx, dgamma, dbeta, workspace);
      expected.compare(dx, dgamma, dbeta);
    }
  }

  @Override
  default void rmsNormForward(
      LayerNormDescriptor norm,
      MemorySegment x,
      MemorySegment gamma,
      MemorySegment y,
      MemorySegment invRms,
      MemorySegment workspace) {
    try (var arena = Arena.ofConfined()) {
      var rows = Slices.of(norm);
      var expected = new ExpectedSlices(arena, "rmsNormForward", rows);
      var input = rows.copyOf(arena, x);
      var inverses = expected.statisticsOrScratch(invRms);
      kernels().rmsNormForward(norm, x, gamma, y, inverses, workspace);
      expected.compareInvRms(input, inverses);
      expected.compareOutput(input, gamma, NULL, NULL, inverses, y);
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
    try (var arena = Arena.ofConfined()) {
      var rows = Slices.of(norm);
      var exact = new SliceGradients(rows, false, x, dy, gamma);
      var expected = new ExpectedSlices(arena, "rmsNormBackward", rows).new Gradients(exact, NULL, invRms);
      kernels().rmsNormBackward(norm, x, dy, gamma, invRms, dx, dgamma, workspace);
      expected.compare(dx, dgamma, NULL);
    }
  }
}
