package dev.norma;

import dev.norma.bindings.memory.UnscopedMemory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * What the backward pass needs of the last forward pass: the mean, where one is taken off, and the inverse deviation of
 * each slice. It grows to the largest batch, and keeps what it holds, for the pass that makes it grow may be refused.
 * Nobody frees it during a call, so it has no scope.
 */
final class SavedStatistics {
  private static final long CACHE_LINE = 64;

  private final boolean hasMean;
  private Arena arena = Arena.ofShared();
  private MemorySegment mean = MemorySegment.NULL;
  private MemorySegment invStd = MemorySegment.NULL;

  SavedStatistics(boolean hasMean) {
    this.hasMean = hasMean;
  }

  void reserve(long bytes) {
    if (invStd.byteSize() < bytes) {
      var larger = Arena.ofShared();
      mean = hasMean ? moved(larger, mean, bytes) : mean;
      invStd = moved(larger, invStd, bytes);
      arena.close();
      arena = larger;
    }
  }

  private static MemorySegment moved(Arena arena, MemorySegment old, long bytes) {
    var memory = UnscopedMemory.of(arena.allocate(bytes, CACHE_LINE));
    MemorySegment.copy(old, 0, memory, 0, old.byteSize());
    return memory;
  }

  /** NULL where no mean is taken off. */
  MemorySegment mean() {
    return mean;
  }

  MemorySegment invStd() {
    return invStd;
  }

  void close() {
    arena.close();
  }
}
