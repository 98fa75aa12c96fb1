package dev.norma;

import java.lang.foreign.MemorySegment;

/**
 * One slice of {@code y = gamma * xHat + beta}, in double; parameters may be missing.
 *
 * @param slices of the tensors
 * @param slice which one
 * @param by what it is normalized by
 * @param x tensor
 * @param gamma parameters, or NULL
 * @param beta parameters, or NULL
 */
record NormalizedSlice(
    Slices slices, long slice, Standardization by, MemorySegment x, MemorySegment gamma, MemorySegment beta) {
  double y(long i) {
    return slices.parameter(gamma, i, 1) * by.xHat(slices.type().get(x, i)) + slices.parameter(beta, i, 0);
  }

  void store(MemorySegment y) {
    slices.forEachOf(slice, i -> slices.type().set(y, i, y(i)));
  }

  /** How far the native kernels may be off when they compute y, before they round it. */
  double error(long i, Tolerances tolerances) {
    var scale = slices.parameter(gamma, i, 1);
    return tolerances.scaled(by, scale, slices.parameter(beta, i, 0), by.deviation(slices.type().get(x, i)));
  }
}
