package dev.norma.cli;

import dev.norma.DataType;
import dev.norma.Kernels;
import dev.norma.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * An output of an operation, once from the native kernels and once from the reference.
 *
 * @param name as the operation calls it
 * @param actual of the native kernels
 * @param expected of the reference
 * @param unit the type in whose units in the last place errors are counted
 * @param scale the size whose unit in the last place counts
 */
record CheckedOutput(String name, Tensor actual, Tensor expected, DataType unit, Scale scale) {
  /** The size in whose units in the last place the error of a value is counted. */
  interface Scale {
    double of(long index, double expected);
  }

  /** An output that has the form of {@code like}, and its values as the first ones. */
  static CheckedOutput like(String name, Tensor like, Arena arena, DataType unit, Scale scale) {
    return new CheckedOutput(name, copy(like, arena), copy(like, arena), unit, scale);
  }

  private static Tensor copy(Tensor tensor, Arena arena) {
    var copy = Tensor.allocate(arena, tensor.dataType(), tensor.layout(), tensor.extents());
    copy.segment().copyFrom(tensor.segment());
    return copy;
  }

  /** Where these kernels write. */
  MemorySegment of(Kernels kernels) {
    return (kernels == Kernels.reference() ? expected : actual).segment();
  }

  /** The largest error, in units in the last place; infinite where only one of two values is a number. */
  double largestError() {
    double largest = 0;
    for (long i = 0; i < expected.size(); i++) {
      double a = actual.get(i);
      double e = expected.get(i);
      if (Double.compare(a, e) != 0 && a != e) {
        double error = Math.abs(a - e) / ulp(scale.of(i, e));
        largest = Double.isNaN(error) ? Double.POSITIVE_INFINITY : Math.max(largest, error);
      }
    }
    return largest;
  }

  /** Of a double, but with the precision and the smallest number of {@code unit}. */
  private double ulp(double size) {
    int precision = switch (unit) {
      case FLOAT32 -> Float.PRECISION;
      case FLOAT64 -> Double.PRECISION;
      case BFLOAT16 -> 8;
      case FLOAT16 -> 11;
    };
    int smallest = switch (unit) {
      case FLOAT32, BFLOAT16 -> Float.MIN_EXPONENT;
      case FLOAT64 -> Double.MIN_EXPONENT;
      case FLOAT16 -> -14;
    };
    return Math.scalb(1.0, Math.max(Math.getExponent(size), smallest) - (precision - 1));
  }
}
