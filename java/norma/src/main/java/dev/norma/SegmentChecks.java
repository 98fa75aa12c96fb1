package dev.norma;

import java.lang.foreign.MemorySegment;

/** Checks of one segment, each with a message that says what to do instead. */
final class SegmentChecks {
  private SegmentChecks() {}

  /** Whether all of the checks below let the segment pass: what a call that is right pays for. */
  static boolean isUsable(MemorySegment segment, long bytes, long alignment, boolean output) {
    return segment.isNative()
        && segment.byteSize() >= bytes
        && (segment.address() & (alignment - 1)) == 0
        && !(output && segment.isReadOnly())
        && segment.isAccessibleBy(Thread.currentThread())
        && segment.scope().isAlive();
  }

  /** Says why a segment cannot be used. */
  static void refuse(String name, MemorySegment segment, long bytes, long alignment, boolean output) {
    requireNative(name, segment);
    requireAlive(name, segment);
    requireAccessible(name, segment);
    requireSize(name, segment, bytes);
    requireAligned(name, segment, alignment);
    if (output) {
      requireWritable(name, segment);
    }
  }

  static void requireNative(String name, MemorySegment segment) {
    if (!segment.isNative()) {
      throw new IllegalArgumentException(
          name
              + " is a heap segment, which native code cannot use without a copy: allocate it from an Arena, for"
              + " example with Tensor.allocate or Arena.ofShared().allocate");
    }
  }

  static void requireAligned(String name, MemorySegment segment, long alignment) {
    if ((segment.address() & (alignment - 1)) != 0) {
      throw new IllegalArgumentException(
          "%s is misaligned: address 0x%x is no multiple of %d".formatted(name, segment.address(), alignment));
    }
  }

  static void requireSize(String name, MemorySegment segment, long bytes) {
    if (segment.byteSize() < bytes) {
      throw new IllegalArgumentException(
          "%s has %d bytes, but %d are needed".formatted(name, segment.byteSize(), bytes));
    }
  }

  static void requireWritable(String name, MemorySegment segment) {
    if (segment.isReadOnly()) {
      throw new IllegalArgumentException(name + " is an output, but its segment is read-only");
    }
  }

  static void requireAlive(String name, MemorySegment segment) {
    if (!segment.scope().isAlive()) {
      throw new IllegalStateException("the arena of " + name + " is closed");
    }
  }

  static void requireAccessible(String name, MemorySegment segment) {
    if (!segment.isAccessibleBy(Thread.currentThread())) {
      throw new WrongThreadException(
          "%s belongs to %s and cannot be used by thread '%s': allocate it from Arena.ofShared()"
              .formatted(name, owner(segment), Thread.currentThread().getName()));
    }
  }

  /** A segment does not tell its owner, but answers for any thread whether it is. */
  private static String owner(MemorySegment segment) {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(segment::isAccessibleBy)
        .findFirst()
        .map(thread -> "thread '" + thread.getName() + "'")
        .orElse("a virtual thread or one that has ended");
  }
}
