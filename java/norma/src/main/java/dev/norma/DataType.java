package dev.norma;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The type of a tensor's elements. Parameters (gamma, beta, their gradients, running statistics) have the type
 * {@link #parameterType}, statistics of a batch are {@code double} for every data type.
 *
 * <p>Tensors of 16-bit elements are computed as {@code float} and rounded once, at the end: to nearest, ties to even.
 * What is too large for {@link #FLOAT16} becomes infinite, and a NaN stays a NaN.
 */
public enum DataType {
  /** 32-bit IEEE 754 numbers. */
  FLOAT32(ValueLayout.JAVA_FLOAT, Math.ulp(1f), Float.MAX_VALUE) {
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
  FLOAT64(ValueLayout.JAVA_DOUBLE, Math.ulp(1d), Double.MAX_VALUE) {
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
  },

  /** The upper half of a 32-bit number: its range, with 8 bits of precision. */
  BFLOAT16(ValueLayout.JAVA_SHORT, 0x1p-7, 0x1.fep127) {
    @Override
    double get(MemorySegment segment, long index) {
      return HalfFloats.ofBfloat16(segment.getAtIndex(ValueLayout.JAVA_SHORT, index));
    }

    @Override
    void set(MemorySegment segment, long index, double value) {
      segment.setAtIndex(ValueLayout.JAVA_SHORT, index, HalfFloats.toBfloat16(value));
    }

    @Override
    double round(double value) {
      return HalfFloats.ofBfloat16(HalfFloats.toBfloat16(value));
    }

    @Override
    double ulp(double value) {
      // Of as many exponents, with 16 bits less.
      return 0x1p16 * Math.ulp((float) round(value));
    }
  },

  /** 16-bit IEEE 754 numbers: 11 bits of precision, up to 65504. */
  FLOAT16(ValueLayout.JAVA_SHORT, 0x1p-10, 65504) {
    @Override
    double get(MemorySegment segment, long index) {
      return HalfFloats.ofFloat16(segment.getAtIndex(ValueLayout.JAVA_SHORT, index));
    }

    @Override
    void set(MemorySegment segment, long index, double value) {
      segment.setAtIndex(ValueLayout.JAVA_SHORT, index, HalfFloats.toFloat16(value));
    }

    @Override
    double round(double value) {
      return HalfFloats.ofFloat16(HalfFloats.toFloat16(value));
    }

    @Override
    double ulp(double value) {
      var smallest = 0x1p-24;
      return Math.max(0x1p13 * Math.ulp((float) round(value)), smallest);
    }
  };

  private final ValueLayout layout;
  private final double epsilon;
  private final double largest;

  DataType(ValueLayout layout, double epsilon, double largest) {
    this.layout = layout;
    this.epsilon = epsilon;
    this.largest = largest;
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
   * @return {@link ValueLayout#JAVA_FLOAT}, {@link ValueLayout#JAVA_DOUBLE}, or {@link ValueLayout#JAVA_SHORT} for the
   *     bits of a 16-bit float
   */
  public ValueLayout valueLayout() {
    return layout;
  }

  /**
   * The type of parameters that go with tensors of this type, which is also the type that they are computed in.
   *
   * @return {@link #FLOAT64} for itself, {@link #FLOAT32} for all others
   */
  public DataType parameterType() {
    return this == FLOAT64 ? FLOAT64 : FLOAT32;
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

  /** The largest finite number of this type. */
  double largest() {
    return largest;
  }

  /** The value of {@code enum norma_data_type}: the constants are declared in its order. */
  int code() {
    return ordinal();
  }
}
