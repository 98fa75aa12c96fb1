package dev.norma;

import java.util.ArrayList;
import java.util.List;
import java.util.function.BiPredicate;
import java.util.function.Function;
import java.util.function.ToLongFunction;

/**
 * What calls with the shapes that a layer saw last need, so that a call with one of them allocates nothing. Threads may
 * use it at once: the list is replaced, never changed; of two shapes added at once one may have to be added again.
 *
 * @param <D> the descriptors of the layer's operations
 */
final class ShapePlans<D> {
  /** Training, the last and smaller batch of an epoch, and inference, with room to spare. */
  private static final int MOST = 8;

  /**
   * What a call needs.
   *
   * @param <D> the descriptors of the layer's operations
   * @param norm the descriptor of the shape
   * @param workspaceBytes the scratch of any operation on it
   */
  record Plan<D>(D norm, long workspaceBytes) {}

  private final BiPredicate<D, Tensor> isOf;
  private final Function<Tensor, D> describe;
  private final ToLongFunction<D> workspaceSize;
  private volatile List<Plan<D>> plans = List.of();

  ShapePlans(BiPredicate<D, Tensor> isOf, Function<Tensor, D> describe, ToLongFunction<D> workspaceSize) {
    this.isOf = isOf;
    this.describe = describe;
    this.workspaceSize = workspaceSize;
  }

  Plan<D> of(Tensor tensor) {
    var known = plans;
    for (var i = 0; i < known.size(); i++) {
      var plan = known.get(i);
      if (isOf.test(plan.norm(), tensor)) {
        return plan;
      }
    }
    var norm = describe.apply(tensor);
    var added = new Plan<>(norm, workspaceSize.applyAsLong(norm));
    var kept = new ArrayList<Plan<D>>();
    kept.add(added);
    kept.addAll(known.subList(0, Math.min(known.size(), MOST - 1)));
    plans = List.copyOf(kept);
    return added;
  }
}
