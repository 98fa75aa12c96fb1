package dev.norma;

import java.util.Arrays;

/**
 * What calls with the shapes that a layer saw last need, so that a call with one of them allocates nothing. Threads may
 * use it at once: the array is replaced, never changed; of two shapes added at once one may have to be added again.
 */
final class ShapePlans {
  /** Training, the last and smaller batch of an epoch, and inference, with room to spare. */
  private static final int MOST = 8;

  /**
   * What a call needs.
   *
   * @param norm the descriptor of the shape
   * @param workspaceBytes the scratch of any operation on it
   */
  record Plan(BatchNormDescriptor norm, long workspaceBytes) {
    private boolean isFor(Tensor tensor) {
      return norm.batch() == tensor.batch()
          && norm.spatial() == tensor.spatial()
          && norm.channels() == tensor.channels()
          && norm.layout() == tensor.layout()
          && norm.dataType() == tensor.dataType();
    }
  }

  private final Kernels kernels;
  private final double epsilon;
  private final int threads;
  private volatile Plan[] plans = {};

  ShapePlans(Kernels kernels, double epsilon, int threads) {
    this.kernels = kernels;
    this.epsilon = epsilon;
    this.threads = threads;
  }

  Plan of(Tensor tensor) {
    for (var plan : plans) {
      if (plan.isFor(tensor)) {
        return plan;
      }
    }
    var norm = BatchNormDescriptor.of(tensor, epsilon, threads);
    var added = new Plan(norm, kernels.workspaceSize(norm));
    var old = plans;
    var kept = Arrays.copyOf(old, Math.min(old.length + 1, MOST));
    System.arraycopy(old, 0, kept, 1, kept.length - 1);
    kept[0] = added;
    plans = kept;
    return added;
  }
}
