package dev.norma;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * The scratch memory of a layer, for one call at a time. It grows to the largest size that was asked for. A call that
 * finds it taken gets none, and C allocates for that call.
 */
final class Workspace {
  private static final long CACHE_LINE = 64;

  private final AtomicBoolean taken = new AtomicBoolean();
  private Arena arena = Arena.ofShared();
  private MemorySegment memory = MemorySegment.NULL;

  /** The memory, to be given back; or NULL, with nothing to give back, where it is taken or none is needed. */
  MemorySegment take(long bytes) {
    if (bytes == 0 || !taken.compareAndSet(false, true)) {
      return MemorySegment.NULL;
    }
    try {
      if (memory.byteSize() < bytes) {
        grow(bytes);
      }
      return memory;
    } catch (OutOfMemoryError e) {
      taken.set(false);
      throw e;
    }
  }

  private void grow(long bytes) {
    var larger = Arena.ofShared();
    var segment = larger.allocate(bytes, CACHE_LINE);
    arena.close();
    arena = larger;
    memory = segment;
  }

  void giveBack(MemorySegment given) {
    if (given.address() != 0) {
      taken.set(false);
    }
  }

  void close() {
    arena.close();
  }
}
