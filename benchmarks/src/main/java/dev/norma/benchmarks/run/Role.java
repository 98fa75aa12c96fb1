package dev.norma.benchmarks.run;

import dev.norma.benchmarks.Case;
import dev.norma.benchmarks.Implementation;
import dev.norma.benchmarks.Normalization;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The part that one runner process has. An implementation with a blocked layout has two, so that this layout takes
 * turns with the others: a process holds one case at a time.
 *
 * @param implementation that it runs
 * @param blocked whether it runs the blocked layout, or the others
 */
record Role(Implementation implementation, boolean blocked) {
  static List<Role> of(List<Implementation> implementations) {
    return implementations.stream().flatMap(Role::of).toList();
  }

  private static Stream<Role> of(Implementation implementation) {
    return Stream.of(false, true)
        .map(blocked -> new Role(implementation, blocked))
        .filter(role -> role.layouts().findAny().isPresent());
  }

  private Stream<String> layouts() {
    return implementation.layouts().stream().filter(layout -> layout.equals(Registry.BLOCKED) == blocked);
  }

  /**
   * The case as this runner is asked for it: the blocked layout is made of data in nchw, for batch normalization alone.
   *
   * @return empty if it has no part in the case
   */
  Optional<Case> part(Case data) {
    boolean inLayout = blocked
        ? data.layout().equals(Registry.NCHW) && data.shape().normalization() == Normalization.BATCH
        : implementation.layouts().contains(data.layout()) && (!isSameMemory(data) || choosesByLayout());
    if (!inLayout
        || !implementation.types().contains(data.type())
        || !implementation.normalizations().contains(data.shape().normalization())) {
      return Optional.empty();
    }
    return Optional.of(blocked ? data.withLayout(Registry.BLOCKED) : data);
  }

  /** Without spatial extents nhwc is the same memory as nchw, and has been measured as such. */
  private static boolean isSameMemory(Case data) {
    return data.shape().spatial() == 1 && data.layout().equals(Registry.NHWC);
  }

  /** An implementation with a blocked layout picks other code by the name of the layout, whatever the memory. */
  private boolean choosesByLayout() {
    return implementation.layouts().contains(Registry.BLOCKED);
  }

  /** How many threads the runner is told of. */
  int threads(Case part) {
    return implementation.singleThreaded() ? 1 : part.threads();
  }

  /** Unique among all. */
  String name() {
    return implementation.name() + (blocked ? "-" + Registry.BLOCKED : "");
  }
}
