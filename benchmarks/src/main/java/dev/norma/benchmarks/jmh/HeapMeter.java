package dev.norma.benchmarks.jmh;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;

/**
 * Counts what all threads allocate on the heap in the calls of one JMH iteration. JMH's own GC profiler starts earlier
 * and stops later, and so counts some 7,000 bytes of JMH's: too much where an iteration is a few long calls.
 */
final class HeapMeter {
  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  private long start;
  private long bytes;

  /** To be called right before the first call of an iteration. */
  void start() {
    start = THREADS.getTotalThreadAllocatedBytes();
  }

  /** To be called right after the last. */
  void stop() {
    bytes = THREADS.getTotalThreadAllocatedBytes() - start;
  }

  /** What was allocated between the last start and stop. */
  long bytes() {
    return bytes;
  }
}
