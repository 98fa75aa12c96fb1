package dev.norma;

import java.lang.foreign.MemorySegment;
import java.util.Objects;

/**
 * Checks the segments of one call: each as it is added, then, where the kernels do not find that out by themselves,
 * whether outputs overlap anything. One instance serves the calls of one thread, one after the other, so that a call
 * allocates nothing. It remembers addresses only and keeps no memory alive.
 */
final class ArgumentChecks {
  private static final ThreadLocal<ArgumentChecks> OF_THREAD = ThreadLocal.withInitial(ArgumentChecks::new);

  /** No call has more segments. */
  private static final int MOST = 12;

  private final String[] names = new String[MOST];
  private final long[] starts = new long[MOST];
  private final long[] ends = new long[MOST];
  private final boolean[] outputs = new boolean[MOST];
  /** The inputs whose address an output may have, or null. */
  private final String[] inPlaceOf = new String[MOST];
  private final String[] orInPlaceOf = new String[MOST];
  private int count;

  private ArgumentChecks() {}

  static ArgumentChecks begin() {
    var checks = ofCall();
    checks.count = 0;
    return checks;
  }

  /** The checks of the calling thread's present call. */
  static ArgumentChecks ofCall() {
    return OF_THREAD.get();
  }

  ArgumentChecks input(String name, MemorySegment segment, long bytes, long alignment) {
    add(name, segment, bytes, alignment, false);
    return this;
  }

  ArgumentChecks optionalInput(String name, MemorySegment segment, long bytes, long alignment) {
    return isMissing(name, segment) ? this : input(name, segment, bytes, alignment);
  }

  ArgumentChecks output(String name, MemorySegment segment, long bytes, long alignment) {
    add(name, segment, bytes, alignment, true);
    return this;
  }

  ArgumentChecks optionalOutput(String name, MemorySegment segment, long bytes, long alignment) {
    return isMissing(name, segment) ? this : output(name, segment, bytes, alignment);
  }

  /** An output that may have the address of an input that was added before. */
  ArgumentChecks outputInPlace(String name, MemorySegment segment, long bytes, long alignment, String input) {
    output(name, segment, bytes, alignment);
    inPlaceOf[count - 1] = input;
    return this;
  }

  /** Lets the last output have the address of another input as well, if that is there. */
  ArgumentChecks orInPlaceOf(String input) {
    orInPlaceOf[count - 1] = input;
    return this;
  }

  ArgumentChecks optionalOutputInPlace(
      String name, MemorySegment segment, long bytes, long alignment, String input) {
    return isMissing(name, segment) ? this : outputInPlace(name, segment, bytes, alignment, input);
  }

  /** The workspace of C: its size is C's business. */
  ArgumentChecks workspace(MemorySegment segment) {
    var bytes = Objects.requireNonNull(segment, "workspace").byteSize();
    return optionalOutput("workspace", segment, bytes, Long.BYTES);
  }

  static boolean isMissing(String name, MemorySegment segment) {
    return Objects.requireNonNull(segment, name).isNative() && segment.address() == 0;
  }

  private void add(String name, MemorySegment segment, long bytes, long alignment, boolean output) {
    if (isMissing(name, segment)) {
      throw new IllegalArgumentException(name + " is MemorySegment.NULL, but is needed");
    }
    if (!SegmentChecks.isUsable(segment, bytes, alignment, output)) {
      SegmentChecks.refuse(name, segment, bytes, alignment, output);
    }
    names[count] = name;
    starts[count] = segment.address();
    ends[count] = segment.address() + bytes;
    outputs[count] = output;
    inPlaceOf[count] = null;
    orInPlaceOf[count] = null;
    count++;
  }

  /** Refuses an output that overlaps another argument. */
  void requireDisjointOutputs() {
    for (var i = 1; i < count; i++) {
      for (var j = 0; j < i; j++) {
        if ((outputs[i] || outputs[j]) && starts[i] < ends[j] && starts[j] < ends[i] && !isInPlace(i, j)) {
          throw new IllegalArgumentException(
              names[i] + " overlaps " + names[j] + (mayBe(i, j) ? ": in place means the same address" : ""));
        }
      }
    }
  }

  private boolean mayBe(int i, int j) {
    return names[j].equals(inPlaceOf[i]) || names[j].equals(orInPlaceOf[i]);
  }

  private boolean isInPlace(int i, int j) {
    return mayBe(i, j) && starts[i] == starts[j];
  }
}
