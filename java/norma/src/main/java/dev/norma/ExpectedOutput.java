package dev.norma;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** What a forward pass should give as y. */
final class ExpectedOutput {
  private final Tolerances tolerances;
  private final Expectation y;

  ExpectedOutput(Arena arena, String operation, BatchNormDescriptor norm) {
    this.tolerances = new Tolerances(norm.dataType(), norm.epsilon());
    this.y = Expectation.ofTensor(arena, operation, "y", norm);
  }

  /** Sets a channel of y = z. */
  void expect(NormalizedChannel channel) {
    channel.store(y.values());
    allow(channel);
  }

  /** Sets a channel of y = max(0, z). */
  void expectRectified(NormalizedChannel channel) {
    channel.storeRectified(y.values());
    allow(channel);
  }

  private void allow(NormalizedChannel channel) {
    channel.forEach(i -> y.allow(i, tolerances.stored(channel.error(i, tolerances), y.value(i))));
  }

  void compare(MemorySegment actual) {
    y.compare(actual);
  }
}
