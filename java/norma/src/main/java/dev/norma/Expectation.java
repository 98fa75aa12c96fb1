package dev.norma;

import static java.lang.foreign.ValueLayout.JAVA_DOUBLE;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.function.LongFunction;

/** What an output should hold: the reference's values, and how far each may be off. */
final class Expectation {
  private final String operation;
  private final String output;
  private final BatchNormDescriptor shape;
  private final Place place;
  private final MemorySegment values;
  private final MemorySegment tolerances;

  /** Where a value stands, for a message. */
  private interface Place {
    String at(long n, long c, long s);
  }

  /** The shape says how many values of which type there are, and in which order they are compared. */
  private Expectation(Arena arena, String operation, String output, BatchNormDescriptor shape, Place place) {
    this.operation = operation;
    this.output = output;
    this.shape = shape;
    this.place = place;
    this.values = arena.allocate(shape.tensorBytes(), Double.BYTES);
    this.tolerances = arena.allocate(JAVA_DOUBLE, shape.tensorBytes() / shape.dataType().bytes());
  }

  static Expectation ofTensor(Arena arena, String operation, String output, BatchNormDescriptor norm) {
    return new Expectation(arena, operation, output, norm, "(n=%d, c=%d, s=%d)"::formatted);
  }

  /** Of an array with a value for each channel. */
  static Expectation ofArray(Arena arena, String operation, String output, long channels, DataType type) {
    var shape = new BatchNormDescriptor(1, channels, 1, 0, type, Layout.CHANNELS_FIRST, 0);
    return ofTensor(arena, operation, output, shape);
  }

  /** Of so many values whose places have names of their own. */
  static Expectation ofList(
      Arena arena, String operation, String output, long length, DataType type, LongFunction<String> place) {
    var shape = new BatchNormDescriptor(1, length, 1, 0, type, Layout.CHANNELS_FIRST, 0);
    return new Expectation(arena, operation, output, shape, (n, c, s) -> place.apply(c));
  }

  /** Where the reference writes. */
  MemorySegment values() {
    return values;
  }

  double value(long index) {
    return shape.dataType().get(values, index);
  }

  void set(long index, double value, double tolerance) {
    shape.dataType().set(values, index, value);
    allow(index, tolerance);
  }

  void allow(long index, double tolerance) {
    tolerances.setAtIndex(JAVA_DOUBLE, index, tolerance);
  }

  double tolerance(long index) {
    return tolerances.getAtIndex(JAVA_DOUBLE, index);
  }

  /** Takes another expectation of the same output where what was found meets that one and not this. */
  void orElse(Expectation other, MemorySegment actual) {
    var type = shape.dataType();
    for (var i = 0L; i < shape.tensorBytes() / type.bytes(); i++) {
      var found = type.get(actual, i);
      if (!isMetBy(found, i) && other.isMetBy(found, i)) {
        type.set(values, i, other.value(i));
        allow(i, other.tolerance(i));
      }
    }
  }

  private boolean isMetBy(double found, long index) {
    return agree(value(index), found, tolerance(index));
  }

  /** Throws for the first value, in the order n, c, s, that is not as expected. */
  void compare(MemorySegment actual) {
    for (var n = 0L; n < shape.batch(); n++) {
      for (var c = 0L; c < shape.channels(); c++) {
        for (var s = 0L; s < shape.spatial(); s++) {
          compare(actual, n, c, s);
        }
      }
    }
  }

  private void compare(MemorySegment actual, long n, long c, long s) {
    var i = shape.index(n, c, s);
    var expected = value(i);
    var found = shape.dataType().get(actual, i);
    if (!isMetBy(found, i)) {
      throw new MismatchException(operation, output, place.at(n, c, s), expected, found, tolerance(i));
    }
  }

  /**
   * Which of NaN and the infinities a sum ends in depends on its order; and where the tolerance reaches beyond the
   * range of the type, so may a result.
   */
  private boolean agree(double expected, double found, double tolerance) {
    if (Double.isFinite(expected) && Double.isFinite(found)) {
      return Math.abs(found - expected) <= tolerance;
    }
    if (Double.isFinite(expected) || Double.isFinite(found)) {
      var finite = Double.isFinite(expected) ? expected : found;
      return Double.isInfinite(shape.dataType().round(Math.abs(finite) + tolerance));
    }
    return true;
  }
}
