package dev.norma.benchmarks.vector;

import dev.norma.DataType;
import java.lang.foreign.MemorySegment;

/**
 * The loops of batch normalization over blocks of a tensor. A block is {@code rows} rows of {@code length} neighbouring
 * elements, {@code stride} elements from one to the next, from element {@code at} on.
 *
 * <p>In a block of one channel all elements have the same coefficients. In a block of columns each column has its own,
 * in memory: element {@code from + j} of an array belongs to column j of the block. Arrays of coefficients and sums have
 * {@link #padded} elements, zeros beyond the last column, so that only tensors need masks.
 *
 * <p>d is x - center. With y = d * scale + offset and dx = (dy - offset + d * slope) * scale, a mean far from zero costs
 * no digits.
 */
abstract class VectorKernels {
  static VectorKernels of(DataType type) {
    return switch (type) {
      case FLOAT32 -> new FloatKernels();
      case FLOAT64 -> new DoubleKernels();
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

  /** Adds the sums of d and d * d over a block of one channel to two elements of {@code sums} from {@code to} on. */
  abstract void sums(
      MemorySegment x, long at, int rows, long stride, int length, double center, double[] sums, int to);

  abstract void normalize(
      MemorySegment x,
      MemorySegment y,
      long at,
      int rows,
      long stride,
      int length,
      double center,
      double scale,
      double offset);

  /** Adds the sums of dy and dy * d over a block of one channel to two elements of {@code sums} from {@code to} on. */
  abstract void gradientSums(
      MemorySegment x,
      MemorySegment dy,
      long at,
      int rows,
      long stride,
      int length,
      double center,
      double[] sums,
      int to);

  abstract void gradient(
      MemorySegment x,
      MemorySegment dy,
      MemorySegment dx,
      long at,
      int rows,
      long stride,
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
