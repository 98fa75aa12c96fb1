package dev.norma;

/** What the checks of all operations have in common. */
interface Validating {
  /** The alignment of statistics. */
  long DOUBLE = Double.BYTES;

  /** The kernels that are called when all is checked. */
  Kernels unchecked();

  /** Whether they refuse outputs that overlap anything by themselves. */
  boolean refuseOverlaps();

  /** The last check of a call. */
  default void requireDisjointOutputs(ArgumentChecks checks) {
    if (!refuseOverlaps()) {
      checks.requireDisjointOutputs();
    }
  }

  /** The size of an array, from a length that must be at least 1. */
  static long arrayBytes(String name, long length, long elementBytes) {
    if (length < 1 || length > Long.MAX_VALUE / elementBytes) {
      throw new IllegalArgumentException("%s is out of range: %d".formatted(name, length));
    }
    return length * elementBytes;
  }
}
