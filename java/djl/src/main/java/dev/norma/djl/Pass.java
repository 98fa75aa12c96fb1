package dev.norma.djl;

import java.lang.foreign.MemorySegment;
import java.util.List;

/** One pass of a block as the kernels compute it: what it was called with, and what it keeps for its backward pass. */
interface Pass {
  /** Computes the output; called once. */
  void forward(MemorySegment x, MemorySegment y);

  /**
   * Computes gradients from what the forward pass kept.
   *
   * @param dx out, NULL if not wanted
   * @param daffine out, for each affine parameter, NULL where not wanted
   */
  void backward(MemorySegment x, MemorySegment dy, MemorySegment dx, List<MemorySegment> daffine);
}
