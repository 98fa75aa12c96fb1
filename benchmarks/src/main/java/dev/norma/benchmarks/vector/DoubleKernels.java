package dev.norma.benchmarks.vector;

import static java.lang.foreign.ValueLayout.JAVA_DOUBLE;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/**
 * The loops for double. {@link FloatKernels} reads alike: the Vector API has no vectors that are generic in the type of
 * their elements.
 */
final class DoubleKernels extends VectorKernels {
  private static final VectorSpecies<Double> SPECIES = DoubleVector.SPECIES_PREFERRED;
  private static final ByteOrder ORDER = ByteOrder.nativeOrder();
  private static final int LANES = SPECIES.length();

  /** As many elements as a turn of a loop over a plane adds up. With more, C2 ends inlining and vectors escape. */
  private static final int BLOCK = 4 * LANES;

  @Override
  int bytes() {
    return Double.BYTES;
  }

  @Override
  int lanes() {
    return LANES;
  }

  @Override
  double get(MemorySegment array, long index) {
    return array.getAtIndex(JAVA_DOUBLE, index);
  }

  @Override
  void set(MemorySegment array, long index, double value) {
    array.setAtIndex(JAVA_DOUBLE, index, value);
  }

  @Override
  double round(double value) {
    return value;
  }

  private static DoubleVector splat(double value) {
    return DoubleVector.broadcast(SPECIES, value);
  }

  private static DoubleVector load(MemorySegment segment, long index) {
    return DoubleVector.fromMemorySegment(SPECIES, segment, index * Double.BYTES, ORDER);
  }

  private static DoubleVector load(MemorySegment segment, long index, VectorMask<Double> mask) {
    return DoubleVector.fromMemorySegment(SPECIES, segment, index * Double.BYTES, ORDER, mask);
  }

  private static void store(DoubleVector vector, MemorySegment segment, long index) {
    vector.intoMemorySegment(segment, index * Double.BYTES, ORDER);
  }

  private static void store(DoubleVector vector, MemorySegment segment, long index, VectorMask<Double> mask) {
    vector.intoMemorySegment(segment, index * Double.BYTES, ORDER, mask);
  }

  /** Sums grow in memory: vectors that a loop carries from turn to turn escape as often as not. */
  private static void addTo(MemorySegment sums, long to, DoubleVector first, DoubleVector second) {
    store(load(sums, to).add(first), sums, to);
    store(load(sums, to + LANES).add(second), sums, to + LANES);
  }

  @Override
  void sums(MemorySegment x, long at, int length, double center, MemorySegment sums, long to) {
    var whole = length - length % BLOCK;
    if (whole > 0) {
      addBlocks(x, at, whole, center, sums, to);
    }
    if (whole < length) {
      addPartOfBlock(x, at + whole, length - whole, center, sums, to);
    }
  }

  private static void addBlocks(
      MemorySegment x, long at, int length, double center, MemorySegment sums, long to) {
    var shift = splat(center);
    for (var i = 0; i < length; i += BLOCK) {
      var d0 = load(x, at + i).sub(shift);
      var d1 = load(x, at + i + LANES).sub(shift);
      var d2 = load(x, at + i + 2 * LANES).sub(shift);
      var d3 = load(x, at + i + 3 * LANES).sub(shift);
      var squares01 = d0.fma(d0, d1.mul(d1));
      var squares23 = d2.fma(d2, d3.mul(d3));
      addTo(sums, to, d0.add(d1).add(d2.add(d3)), squares01.add(squares23));
    }
  }

  private static void addPartOfBlock(
      MemorySegment x, long at, int length, double center, MemorySegment sums, long to) {
    var shift = splat(center);
    for (var i = 0; i < length; i += LANES) {
      var mask = SPECIES.indexInRange(i, length);
      var d = load(x, at + i, mask).sub(shift, mask);
      addTo(sums, to, d, d.mul(d));
    }
  }

  @Override
  void normalize(
      MemorySegment x,
      MemorySegment y,
      long at,
      int length,
      double center,
      double scale,
      double offset) {
    if (length >= LANES) {
      normalizeLongPlane(x, y, at, length, center, scale, offset);
    } else {
      normalizeShortPlane(x, y, at, length, center, scale, offset);
    }
  }

  /** What is left behind the last whole vector is computed with what stands before it, once more. */
  private static void normalizeLongPlane(
      MemorySegment x, MemorySegment y, long at, int length, double center, double scale, double offset) {
    var shift = splat(center);
    var factor = splat(scale);
    var summand = splat(offset);
    for (var i = 0; i <= length - LANES; i += LANES) {
      store(load(x, at + i).sub(shift).fma(factor, summand), y, at + i);
    }
    var last = at + length - LANES;
    store(load(x, last).sub(shift).fma(factor, summand), y, last);
  }

  private static void normalizeShortPlane(
      MemorySegment x, MemorySegment y, long at, int length, double center, double scale, double offset) {
    var mask = SPECIES.indexInRange(0, length);
    store(load(x, at, mask).sub(splat(center)).fma(splat(scale), splat(offset)), y, at, mask);
  }

  @Override
  void gradientSums(
      MemorySegment x, MemorySegment dy, long at, int length, double center, MemorySegment sums, long to) {
    var whole = length - length % BLOCK;
    if (whole > 0) {
      addGradientsOfBlocks(x, dy, at, whole, center, sums, to);
    }
    if (whole < length) {
      addGradientsOfPart(x, dy, at + whole, length - whole, center, sums, to);
    }
  }

  private static void addGradientsOfBlocks(
      MemorySegment x, MemorySegment dy, long at, int length, double center, MemorySegment sums, long to) {
    var shift = splat(center);
    for (var i = 0; i < length; i += BLOCK) {
      var g0 = load(dy, at + i);
      var g1 = load(dy, at + i + LANES);
      var g2 = load(dy, at + i + 2 * LANES);
      var g3 = load(dy, at + i + 3 * LANES);
      var d0 = load(x, at + i).sub(shift);
      var d1 = load(x, at + i + LANES).sub(shift);
      var d2 = load(x, at + i + 2 * LANES).sub(shift);
      var d3 = load(x, at + i + 3 * LANES).sub(shift);
      var products01 = d0.fma(g0, d1.mul(g1));
      var products23 = d2.fma(g2, d3.mul(g3));
      addTo(sums, to, g0.add(g1).add(g2.add(g3)), products01.add(products23));
    }
  }

  private static void addGradientsOfPart(
      MemorySegment x, MemorySegment dy, long at, int length, double center, MemorySegment sums, long to) {
    var shift = splat(center);
    for (var i = 0; i < length; i += LANES) {
      var mask = SPECIES.indexInRange(i, length);
      var g = load(dy, at + i, mask);
      addTo(sums, to, g, load(x, at + i, mask).sub(shift).mul(g));
    }
  }

  @Override
  void gradient(
      MemorySegment x,
      MemorySegment dy,
      MemorySegment dx,
      long at,
      int length,
      double center,
      double slope,
      double offset,
      double scale) {
    if (length >= LANES) {
      gradientOfLongPlane(x, dy, dx, at, length, center, slope, offset, scale);
    } else {
      gradientOfShortPlane(x, dy, dx, at, length, center, slope, offset, scale);
    }
  }

  private static void gradientOfLongPlane(
      MemorySegment x,
      MemorySegment dy,
      MemorySegment dx,
      long at,
      int length,
      double center,
      double slope,
      double offset,
      double scale) {
    var shift = splat(center);
    var steepness = splat(slope);
    var summand = splat(offset);
    var factor = splat(scale);
    for (var i = 0; i <= length - LANES; i += LANES) {
      var g = load(dy, at + i).sub(summand);
      store(load(x, at + i).sub(shift).fma(steepness, g).mul(factor), dx, at + i);
    }
    var last = at + length - LANES;
    var g = load(dy, last).sub(summand);
    store(load(x, last).sub(shift).fma(steepness, g).mul(factor), dx, last);
  }

  private static void gradientOfShortPlane(
      MemorySegment x,
      MemorySegment dy,
      MemorySegment dx,
      long at,
      int length,
      double center,
      double slope,
      double offset,
      double scale) {
    var mask = SPECIES.indexInRange(0, length);
    var g = load(dy, at, mask).sub(splat(offset));
    store(load(x, at, mask).sub(splat(center)).fma(splat(slope), g).mul(splat(scale)), dx, at, mask);
  }

  @Override
  void columnSums(
      MemorySegment x,
      long at,
      int rows,
      long stride,
      int length,
      int from,
      MemorySegment center,
      MemorySegment sums,
      MemorySegment squares) {
    var whole = SPECIES.loopBound(length);
    var row = 0;
    for (; row <= rows - 4; row += 4) {
      sumsOfFour(x, at + row * stride, stride, whole, from, center, sums, squares);
    }
    for (; row < rows; row++) {
      sumsOfOne(x, at + row * stride, whole, from, center, sums, squares);
    }
    if (whole < length) {
      sumsOfTail(x, at + whole, rows, stride, length - whole, from + whole, center, sums, squares);
    }
  }

  private static void sumsOfFour(
      MemorySegment x,
      long at,
      long stride,
      int length,
      int from,
      MemorySegment center,
      MemorySegment sums,
      MemorySegment squares) {
    for (var j = 0; j < length; j += LANES) {
      var c = load(center, from + j);
      var d0 = load(x, at + j).sub(c);
      var d1 = load(x, at + j + stride).sub(c);
      var d2 = load(x, at + j + 2 * stride).sub(c);
      var d3 = load(x, at + j + 3 * stride).sub(c);
      store(load(sums, from + j).add(d0.add(d1).add(d2.add(d3))), sums, from + j);
      var squaresOf02 = d0.fma(d0, d2.mul(d2));
      var squaresOf13 = d1.fma(d1, d3.fma(d3, load(squares, from + j)));
      store(squaresOf02.add(squaresOf13), squares, from + j);
    }
  }

  private static void sumsOfOne(
      MemorySegment x,
      long at,
      int length,
      int from,
      MemorySegment center,
      MemorySegment sums,
      MemorySegment squares) {
    for (var j = 0; j < length; j += LANES) {
      var d = load(x, at + j).sub(load(center, from + j));
      store(load(sums, from + j).add(d), sums, from + j);
      store(d.fma(d, load(squares, from + j)), squares, from + j);
    }
  }

  private static void sumsOfTail(
      MemorySegment x,
      long at,
      int rows,
      long stride,
      int length,
      int from,
      MemorySegment center,
      MemorySegment sums,
      MemorySegment squares) {
    var mask = SPECIES.indexInRange(0, length);
    for (var row = 0; row < rows; row++) {
      var d = load(x, at + row * stride, mask).sub(load(center, from));
      store(load(sums, from).add(d), sums, from);
      store(d.fma(d, load(squares, from)), squares, from);
    }
  }

  @Override
  void normalizeColumns(
      MemorySegment x,
      MemorySegment y,
      long at,
      int rows,
      long stride,
      int length,
      int from,
      MemorySegment center,
      MemorySegment scale,
      MemorySegment offset) {
    if (length < LANES) {
      normalizeNarrowRows(x, y, at, rows, stride, length, from, center, scale, offset);
      return;
    }
    var whole = SPECIES.loopBound(length);
    normalizeRows(x, y, at, rows, stride, whole, from, center, scale, offset);
    if (whole < length) { // As in a plane: with what stands before it, once more.
      var last = length - LANES;
      normalizeRows(x, y, at + last, rows, stride, LANES, from + last, center, scale, offset);
    }
  }

  /** Four rows at a time; the last row as often as rows are missing. */
  private static void normalizeRows(
      MemorySegment x,
      MemorySegment y,
      long at,
      int rows,
      long stride,
      int length,
      int from,
      MemorySegment center,
      MemorySegment scale,
      MemorySegment offset) {
    var last = at + (rows - 1) * stride;
    for (var row = 0; row < rows; row += 4) {
      var p0 = at + row * stride;
      var p1 = Math.min(p0 + stride, last);
      var p2 = Math.min(p1 + stride, last);
      var p3 = Math.min(p2 + stride, last);
      normalizeFour(x, y, p0, p1, p2, p3, length, from, center, scale, offset);
    }
  }

  private static void normalizeFour(
      MemorySegment x,
      MemorySegment y,
      long p0,
      long p1,
      long p2,
      long p3,
      int length,
      int from,
      MemorySegment center,
      MemorySegment scale,
      MemorySegment offset) {
    for (var j = 0; j < length; j += LANES) {
      var shift = load(center, from + j);
      var factor = load(scale, from + j);
      var summand = load(offset, from + j);
      store(load(x, p0 + j).sub(shift).fma(factor, summand), y, p0 + j);
      store(load(x, p1 + j).sub(shift).fma(factor, summand), y, p1 + j);
      store(load(x, p2 + j).sub(shift).fma(factor, summand), y, p2 + j);
      store(load(x, p3 + j).sub(shift).fma(factor, summand), y, p3 + j);
    }
  }

  private static void normalizeNarrowRows(
      MemorySegment x,
      MemorySegment y,
      long at,
      int rows,
      long stride,
      int length,
      int from,
      MemorySegment center,
      MemorySegment scale,
      MemorySegment offset) {
    var mask = SPECIES.indexInRange(0, length);
    for (var row = 0; row < rows; row++) {
      var d = load(x, at + row * stride, mask).sub(load(center, from));
      store(d.fma(load(scale, from), load(offset, from)), y, at + row * stride, mask);
    }
  }

  @Override
  void columnGradientSums(
      MemorySegment x,
      MemorySegment dy,
      long at,
      int rows,
      long stride,
      int length,
      int from,
      MemorySegment center,
      MemorySegment sums,
      MemorySegment products) {
    var whole = SPECIES.loopBound(length);
    var row = 0;
    for (; row <= rows - 4; row += 4) {
      gradientSumsOfFour(x, dy, at + row * stride, stride, whole, from, center, sums, products);
    }
    for (; row < rows; row++) {
      gradientSumsOfOne(x, dy, at + row * stride, whole, from, center, sums, products);
    }
    if (whole < length) {
      gradientSumsOfTail(x, dy, at + whole, rows, stride, length - whole, from + whole, center, sums, products);
    }
  }

  private static void gradientSumsOfFour(
      MemorySegment x,
      MemorySegment dy,
      long at,
      long stride,
      int length,
      int from,
      MemorySegment center,
      MemorySegment sums,
      MemorySegment products) {
    for (var j = 0; j < length; j += LANES) {
      var c = load(center, from + j);
      var g0 = load(dy, at + j);
      var g1 = load(dy, at + j + stride);
      var g2 = load(dy, at + j + 2 * stride);
      var g3 = load(dy, at + j + 3 * stride);
      store(load(sums, from + j).add(g0.add(g1).add(g2.add(g3))), sums, from + j);
      var d0 = load(x, at + j).sub(c);
      var d1 = load(x, at + j + stride).sub(c);
      var d2 = load(x, at + j + 2 * stride).sub(c);
      var d3 = load(x, at + j + 3 * stride).sub(c);
      var productsOf02 = d0.fma(g0, d2.mul(g2));
      var productsOf13 = d1.fma(g1, d3.fma(g3, load(products, from + j)));
      store(productsOf02.add(productsOf13), products, from + j);
    }
  }

  private static void gradientSumsOfOne(
      MemorySegment x,
      MemorySegment dy,
      long at,
      int length,
      int from,
      MemorySegment center,
      MemorySegment sums,
      MemorySegment products) {
    for (var j = 0; j < length; j += LANES) {
      var g = load(dy, at + j);
      var d = load(x, at + j).sub(load(center, from + j));
      store(load(sums, from + j).add(g), sums, from + j);
      store(d.fma(g, load(products, from + j)), products, from + j);
    }
  }

  private static void gradientSumsOfTail(
      MemorySegment x,
      MemorySegment dy,
      long at,
      int rows,
      long stride,
      int length,
      int from,
      MemorySegment center,
      MemorySegment sums,
      MemorySegment products) {
    var mask = SPECIES.indexInRange(0, length);
    for (var row = 0; row < rows; row++) {
      var g = load(dy, at + row * stride, mask);
      var d = load(x, at + row * stride, mask).sub(load(center, from));
      store(load(sums, from).add(g), sums, from);
      store(d.fma(g, load(products, from)), products, from);
    }
  }

  @Override
  void columnGradient(
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
      MemorySegment scale) {
    if (length < LANES) {
      gradientOfNarrowRows(x, dy, dx, at, rows, stride, length, from, center, slope, offset, scale);
      return;
    }
    var whole = SPECIES.loopBound(length);
    gradientOfRows(x, dy, dx, at, rows, stride, whole, from, center, slope, offset, scale);
    if (whole < length) {
      var last = length - LANES;
      gradientOfRows(x, dy, dx, at + last, rows, stride, LANES, from + last, center, slope, offset, scale);
    }
  }

  /** Two rows at a time; an odd last one twice. */
  private static void gradientOfRows(
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
      MemorySegment scale) {
    var last = at + (rows - 1) * stride;
    for (var row = 0; row < rows; row += 2) {
      var p0 = at + row * stride;
      var p1 = Math.min(p0 + stride, last);
      gradientOfTwo(x, dy, dx, p0, p1, length, from, center, slope, offset, scale);
    }
  }

  private static void gradientOfTwo(
      MemorySegment x,
      MemorySegment dy,
      MemorySegment dx,
      long p0,
      long p1,
      int length,
      int from,
      MemorySegment center,
      MemorySegment slope,
      MemorySegment offset,
      MemorySegment scale) {
    for (var j = 0; j < length; j += LANES) {
      var shift = load(center, from + j);
      var steepness = load(slope, from + j);
      var summand = load(offset, from + j);
      var factor = load(scale, from + j);
      var g0 = load(dy, p0 + j).sub(summand);
      var g1 = load(dy, p1 + j).sub(summand);
      var d0 = load(x, p0 + j).sub(shift);
      var d1 = load(x, p1 + j).sub(shift);
      store(d0.fma(steepness, g0).mul(factor), dx, p0 + j);
      store(d1.fma(steepness, g1).mul(factor), dx, p1 + j);
    }
  }

  private static void gradientOfNarrowRows(
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
      MemorySegment scale) {
    var mask = SPECIES.indexInRange(0, length);
    for (var row = 0; row < rows; row++) {
      var d = load(x, at + row * stride, mask).sub(load(center, from));
      var g = load(dy, at + row * stride, mask).sub(load(offset, from));
      store(d.fma(load(slope, from), g).mul(load(scale, from)), dx, at + row * stride, mask);
    }
  }
}
