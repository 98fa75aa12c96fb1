package dev.norma;

import dev.norma.bindings.memory.UnscopedMemory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.IdentityHashMap;
import java.util.Map;

/**
 * The memory of a layer's state, off the heap, zeros at first.
 *
 * <p>The layer's {@link LayerGuard} keeps it from being freed while a call uses it, so the segments have no scope, and
 * every native call is spared some atomic operations. What is lent to others has: {@link #lend}.
 */
final class LayerMemory {
  private static final long CACHE_LINE = 64;

  private final Arena arena = Arena.ofShared();
  private final Map<MemorySegment, MemorySegment> lent = new IdentityHashMap<>();

  /** NULL where there are no bytes. */
  MemorySegment allocate(long bytes) {
    if (bytes == 0) {
      return MemorySegment.NULL;
    }
    var scoped = arena.allocate(bytes, CACHE_LINE);
    var memory = UnscopedMemory.of(scoped);
    lent.put(memory, scoped);
    return memory;
  }

  /** The same memory for who may keep it longer than the layer is open: using it then is an exception. */
  MemorySegment lend(MemorySegment memory) {
    return lent.getOrDefault(memory, memory);
  }

  void close() {
    arena.close();
  }
}
