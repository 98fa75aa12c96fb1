package dev.norma.bindings.memory;

import java.lang.foreign.MemorySegment;

/**
 * Memory without the scope of its arena. A native call holds the scope of each of its arguments while it runs, by atomic
 * operations where an arena is shared; who makes sure by other means that memory outlives the call can spare that.
 */
public final class UnscopedMemory {
  private UnscopedMemory() {}

  /**
   * The same memory, which may be used from any thread, and as if it were never freed.
   *
   * @param segment off the heap; must not be closed while anyone uses the result
   * @return a segment of the same address and size
   */
  public static MemorySegment of(MemorySegment segment) {
    return MemorySegment.ofAddress(segment.address()).reinterpret(segment.byteSize());
  }
}
