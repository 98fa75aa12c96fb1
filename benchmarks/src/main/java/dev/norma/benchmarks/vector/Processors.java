package dev.norma.benchmarks.vector;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.ByteOrder;
import java.util.BitSet;

/**
 * Gives threads a processor each, as OMP_PROC_BIND does for OpenMP's: two that hand work to each other without sleeping
 * may otherwise stay on one processor while another is idle. Linux only; elsewhere threads stay where they are put.
 */
final class Processors {
  /** Bytes of a set of processors: of cpu_set_t, which has room for 1024. */
  private static final long SET_BYTES = 128;

  private static final MethodHandle SET = function("sched_setaffinity");
  private static final BitSet USABLE = usable();

  private Processors() {}

  /**
   * Binds the current thread.
   *
   * @param number of the processor among those that the process may use, from 0; nothing happens if there is no such one
   */
  static void bind(int number) {
    int processor = USABLE.stream().skip(number).findFirst().orElse(-1);
    if (processor < 0) {
      return;
    }
    try (var arena = Arena.ofConfined()) {
      var one = new BitSet();
      one.set(processor);
      var set = arena.allocate(SET_BYTES, Long.BYTES).copyFrom(MemorySegment.ofArray(one.toLongArray()));
      call(SET, 0, set);
    }
  }

  /** The processors of the process's first thread, which nobody binds. */
  private static BitSet usable() {
    var get = function("sched_getaffinity");
    if (get == null || SET == null) {
      return new BitSet();
    }
    try (var arena = Arena.ofConfined()) {
      var set = arena.allocate(SET_BYTES, Long.BYTES);
      return call(get, Math.toIntExact(ProcessHandle.current().pid()), set) == 0
          ? BitSet.valueOf(set.asByteBuffer().order(ByteOrder.nativeOrder()).asLongBuffer())
          : new BitSet();
    }
  }

  /** int name(pid_t, size_t, cpu_set_t *); null where there is no such function. */
  private static MethodHandle function(String name) {
    var linker = Linker.nativeLinker();
    return linker.defaultLookup().find(name)
        .map(address -> linker.downcallHandle(address, FunctionDescriptor.of(
            ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG, ValueLayout.ADDRESS)))
        .orElse(null);
  }

  private static int call(MethodHandle function, int thread, MemorySegment set) {
    try {
      return (int) function.invokeExact(thread, SET_BYTES, set);
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new AssertionError("a call of C throws nothing", e);
    }
  }
}
