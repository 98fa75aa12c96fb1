package dev.norma.benchmarks.vector;

import dev.norma.DataType;
import java.lang.foreign.MemorySegment;

/**
 * The loops of batch normalization. A plane is {@code length} neighbouring elements of one channel, from element
 * {@code at} on. Columns are {@code rows} rows of {@code length} neighbouring elements, {@code stride} elements from
 * one row to the next; each column has its own coefficients and sums: those of column j are element {@code from + j} of
 * arrays of {@link #padded} elements, with zeros beyond the last column, so that only tensors need masks.
 *
 * <p>d is x - center. With y = d * scale + offset and dx = (dy - offset + d * slope) * scale, a mean far from zero
 * costs no digits.
 */
abstract class VectorKernels {
  static VectorKernels of(DataType type) {
    return switch (type) {
      case FLOAT32 -> new FloatKernels();
      case FLOAT64 -> new DoubleKernels();
      case BFLOAT16, FLOAT16 -> throw new UnsupportedOperationException("no kernels for tensors of 16 bits");
    };
  }

  /** The size of an element in bytes. */
  abstract int bytes();

  /** The number of elements of a vector. */
  abstract int lanes();

  abstract double get(MemorySegment array, long index);

  /** Stores a value rounded to the type. */
  abstract void set(MemorySegment array, long index, double value);

  /** The nearest number of the type. */
  abstract double round(double value);

  /** A length rounded up to whole vectors. */
  final int padded(int length) {
    return Math.ceilDiv(length, lanes()) * lanes();
  }

  /** Adds d and d * d of a plane to the lanes of two vectors in {@code sums}, at {@code to}. */
  abstract void sums(MemorySegment x, long at, int length, double center, MemorySegment sums, long to);

  abstract void normalize(
      MemorySegment x,
      MemorySegment y,
      long at,
      int length,
      double center,
      double scale,
      double offset);

  /** Adds dy and dy * d of a plane to the lanes of two vectors in {@code sums}, at {@code to}. */
  abstract void gradientSums(
      MemorySegment x, MemorySegment dy, long at, int length, double center, MemorySegment sums, long to);

  abstract void gradient(
      MemorySegment x,
      MemorySegment dy,
      MemorySegment dx,
      long at,
      int length,
      double center,
      double slope,
      double offset,
      double scale);

  /** Adds d and d * d of each column to {@code sums} and {@code squares}. */
  abstract void columnSums(
      MemorySegment x,
      long at,
      int rows,
      long stride,
      int length,
      int from,
      MemorySegment center,
      MemorySegment sums,
      MemorySegment squares);

  abstract void normalizeColumns(
      MemorySegment x,
      MemorySegment y,
      long at,
      int rows,
      long stride,
      int length,
      int from,
      MemorySegment center,
      MemorySegment scale,
      MemorySegment offset);

  /** Adds dy and dy * d of each column to {@code sums} and {@code products}. */
  abstract void columnGradientSums(
      MemorySegment x,
      MemorySegment dy,
      long at,
      int rows,
      long stride,
      int length,
      int from,
      MemorySegment center,
      MemorySegment sums,
      MemorySegment products);

  abstract void columnGradient(
      MemorySegment x,
      MemorySegment dy,
      MemorySegment dx,
      long at,
      int rows,
      long stride,
      int length,
      int from,
      MemorySegment center,
      MemorySegment slope,
      MemorySegment offset,
      MemorySegment scale);
}
