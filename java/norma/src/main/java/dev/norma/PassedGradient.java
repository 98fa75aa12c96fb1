package dev.norma;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * What ReLU lets through of dy, twice: where z is within its error of 0, {@link #most} has dy and {@link #least} has 0.
 * {@link #undecided} is the difference.
 */
final class PassedGradient {
  private final BatchNormDescriptor norm;
  private final MemorySegment dy;
  private final Tolerances tolerances;
  private final MemorySegment most;
  private final MemorySegment least;
  private final MemorySegment undecided;

  PassedGradient(Arena arena, BatchNormDescriptor norm, MemorySegment dy) {
    this.norm = norm;
    this.dy = dy;
    this.tolerances = new Tolerances(norm.dataType(), norm.epsilon());
    this.most = arena.allocate(norm.tensorBytes(), Double.BYTES);
    this.least = arena.allocate(norm.tensorBytes(), Double.BYTES);
    this.undecided = arena.allocate(norm.tensorBytes(), Double.BYTES);
  }

  /** Computes one channel. A NaN passes. */
  void pass(NormalizedChannel channel) {
    channel.forEach(
        i -> {
          var z = channel.z(i);
          var error = Double.isInfinite(z) ? 0 : channel.error(i, tolerances);
          set(most, i, !(z <= -error));
          set(least, i, !(z <= error));
          set(undecided, i, !(z <= -error) && z <= error);
        });
  }

  private void set(MemorySegment tensor, long i, boolean passes) {
    norm.dataType().set(tensor, i, passes ? norm.dataType().get(dy, i) : 0);
  }

  MemorySegment most() {
    return most;
  }

  MemorySegment least() {
    return least;
  }

  MemorySegment undecided() {
    return undecided;
  }

  /** The gradient by the residual, exact but for where nobody can tell. */
  void compareResidualGradient(Arena arena, String operation, MemorySegment actual) {
    if (actual.address() != 0) {
      var expected = expectation(arena, operation, least);
      expected.orElse(expectation(arena, operation, most), actual);
      expected.compare(actual);
    }
  }

  private Expectation expectation(Arena arena, String operation, MemorySegment passed) {
    var expected = Expectation.ofTensor(arena, operation, "dresidual", norm);
    expected.values().copyFrom(passed);
    return expected;
  }
}
