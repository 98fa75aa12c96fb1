package dev.norma;

import dev.norma.bindings.memory.UnscopedMemory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * The scratch memory of a layer, for one call at a time. It grows to the largest size that was asked for. Of calls that
 * share the layer, one takes it; the others get none, and C allocates for them. Nobody frees it during a call, so it has
 * no scope.
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
      return own(bytes);
    } catch (OutOfMemoryError e) {
      taken.set(false);
      throw e;
    }
  }

  /** The memory, or NULL where none is needed, for who has the layer for himself: nobody else takes it meanwhile. */
  MemorySegment own(long bytes) {
    if (memory.byteSize() < bytes) {
      grow(bytes);
    }
    return memory;
  }

  private void grow(long bytes) {
    var larger = Arena.ofShared();
    var segment = larger.allocate(bytes, CACHE_LINE);
    arena.close();
    arena = larger;
    memory = UnscopedMemory.of(segment);
  }

  void giveBack(MemorySegment given) {
    if (given.address() != 0) {
      taken.setRelease(false);
    }
  }

  void close() {
    arena.close();
  }
}
