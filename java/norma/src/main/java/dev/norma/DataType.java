package dev.norma;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The type of a tensor's elements. Parameters (gamma, beta, their gradients, running statistics) have the same type;
 * statistics of a batch are {@code double} for every data type.
 */
public enum DataType {
  /** 32-bit IEEE 754 numbers. */
  FLOAT32(ValueLayout.JAVA_FLOAT, Math.ulp(1f)) {
    @Override
    double get(MemorySegment segment, long index) {
      return segment.getAtIndex(ValueLayout.JAVA_FLOAT, index);
    }

    @Override
    void set(MemorySegment segment, long index, double value) {
      segment.setAtIndex(ValueLayout.JAVA_FLOAT, index, (float) value);
    }

    @Override
    double round(double value) {
      return (float) value;
    }

    @Override
    double ulp(double value) {
      return Math.ulp((float) value);
    }
  },

  /** 64-bit IEEE 754 numbers. */
  FLOAT64(ValueLayout.JAVA_DOUBLE, Math.ulp(1d)) {
    @Override
    double get(MemorySegment segment, long index) {
      return segment.getAtIndex(ValueLayout.JAVA_DOUBLE, index);
    }

    @Override
    void set(MemorySegment segment, long index, double value) {
      segment.setAtIndex(ValueLayout.JAVA_DOUBLE, index, value);
    }

    @Override
    double round(double value) {
      return value;
    }

    @Override
    double ulp(double value) {
      return Math.ulp(value);
    }
  };

  private final ValueLayout layout;
  private final double epsilon;

  DataType(ValueLayout layout, double epsilon) {
    this.layout = layout;
    this.epsilon = epsilon;
  }

  /**
   * The size of one element.
   *
   * @return the size in bytes
   */
  public int bytes() {
    return (int) layout.byteSize();
  }

  /**
   * The memory layout of one element: native byte order, aligned to its size.
   *
   * @return {@link ValueLayout#JAVA_FLOAT} or {@link ValueLayout#JAVA_DOUBLE}
   */
  public ValueLayout valueLayout() {
    return layout;
  }

  /** The element at an index, as a double: exact. */
  abstract double get(MemorySegment segment, long index);

  /** Rounds a double to this type, once, and stores it. */
  abstract void set(MemorySegment segment, long index, double value);

  /** The nearest number of this type, infinite beyond its range. */
  abstract double round(double value);

  /** The unit in the last place of a value that is rounded to this type. */
  abstract double ulp(double value);

  /** The distance from 1 to the next number of this type. */
  double epsilon() {
    return epsilon;
  }

  /** The value of {@code enum norma_data_type}: the constants are declared in its order. */
  int code() {
    return ordinal();
  }
}
