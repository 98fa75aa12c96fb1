package dev.norma.benchmarks.vector;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * The loops for float. {@link DoubleKernels} reads alike: the Vector API has no vectors that are generic in the type of
 * their elements.
 */
final class FloatKernels extends VectorKernels {
  private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
  private static final ByteOrder ORDER = ByteOrder.nativeOrder();
  private static final int LANES = SPECIES.length();
  private static final int BLOCK = 4 * LANES;

  /** Zeros, then ones. */
  private static final float[] WEIGHTS = new float[2 * LANES];

  static {
    Arrays.fill(WEIGHTS, LANES, 2 * LANES, 1);
  }

  @Override
  int bytes() {
    return Float.BYTES;
  }

  @Override
  int lanes() {
    return LANES;
  }

  @Override
  double get(MemorySegment array, long index) {
    return array.getAtIndex(JAVA_FLOAT, index);
  }

  @Override
  void set(MemorySegment array, long index, double value) {
    array.setAtIndex(JAVA_FLOAT, index, (float) value);
  }

  @Override
  double round(double value) {
    return (float) value;
  }

  private static FloatVector splat(double value) {
    return FloatVector.broadcast(SPECIES, (float) value);
  }

  private static FloatVector load(MemorySegment segment, long index) {
    return FloatVector.fromMemorySegment(SPECIES, segment, index * Float.BYTES, ORDER);
  }

  private static FloatVector load(MemorySegment segment, long index, VectorMask<Float> mask) {
    return FloatVector.fromMemorySegment(SPECIES, segment, index * Float.BYTES, ORDER, mask);
  }

  private static void store(FloatVector vector, MemorySegment segment, long index) {
    vector.intoMemorySegment(segment, index * Float.BYTES, ORDER);
  }

  private static void store(FloatVector vector, MemorySegment segment, long index, VectorMask<Float> mask) {
    vector.intoMemorySegment(segment, index * Float.BYTES, ORDER, mask);
  }

  /** Ones for the elements that are left of a row, in the last lanes: the vector that ends with the row. */
  private static FloatVector weights(int left) {
    return FloatVector.fromArray(SPECIES, WEIGHTS, Math.min(left, LANES));
  }

  private static double total(FloatVector a, FloatVector b, FloatVector c, FloatVector d) {
    return a.add(b).add(c.add(d)).reduceLanes(VectorOperators.ADD);
  }

  @Override
  void sums(MemorySegment x, long at, int rows, long stride, int length, double center, double[] sums, int to) {
    if (length >= LANES) {
      addLongRows(x, at, rows, stride, length, center, sums, to);
    } else {
      addShortRows(x, at, rows, stride, length, center, sums, to);
    }
  }

  private static void addLongRows(
      MemorySegment x, long at, int rows, long stride, int length, double center, double[] sums, int to) {
    var shift = splat(center);
    var s0 = FloatVector.zero(SPECIES);
    var s1 = FloatVector.zero(SPECIES);
    var s2 = FloatVector.zero(SPECIES);
    var s3 = FloatVector.zero(SPECIES);
    var q0 = FloatVector.zero(SPECIES);
    var q1 = FloatVector.zero(SPECIES);
    var q2 = FloatVector.zero(SPECIES);
    var q3 = FloatVector.zero(SPECIES);
    for (var row = 0; row < rows; row++) {
      var p = at + row * stride;
      var i = 0;
      for (; i <= length - BLOCK; i += BLOCK) {
        var d0 = load(x, p + i).sub(shift);
        var d1 = load(x, p + i + LANES).sub(shift);
        var d2 = load(x, p + i + 2 * LANES).sub(shift);
        var d3 = load(x, p + i + 3 * LANES).sub(shift);
        s0 = s0.add(d0);
        s1 = s1.add(d1);
        s2 = s2.add(d2);
        s3 = s3.add(d3);
        q0 = d0.fma(d0, q0);
        q1 = d1.fma(d1, q1);
        q2 = d2.fma(d2, q2);
        q3 = d3.fma(d3, q3);
      }
      for (; i < length; i += LANES) {
        var d = load(x, p + Math.min(i, length - LANES)).sub(shift).mul(weights(length - i));
        s0 = s0.add(d);
        q1 = d.fma(d, q1);
      }
    }
    sums[to] += total(s0, s1, s2, s3);
    sums[to + 1] += total(q0, q1, q2, q3);
  }

  private static void addShortRows(
      MemorySegment x, long at, int rows, long stride, int length, double center, double[] sums, int to) {
    var mask = SPECIES.indexInRange(0, length);
    var shift = splat(center);
    var s0 = FloatVector.zero(SPECIES);
    var s1 = FloatVector.zero(SPECIES);
    var s2 = FloatVector.zero(SPECIES);
    var s3 = FloatVector.zero(SPECIES);
    var q0 = FloatVector.zero(SPECIES);
    var q1 = FloatVector.zero(SPECIES);
    var q2 = FloatVector.zero(SPECIES);
    var q3 = FloatVector.zero(SPECIES);
    var row = 0;
    for (; row <= rows - 4; row += 4) {
      var p = at + row * stride;
      var d0 = load(x, p, mask).sub(shift, mask);
      var d1 = load(x, p + stride, mask).sub(shift, mask);
      var d2 = load(x, p + 2 * stride, mask).sub(shift, mask);
      var d3 = load(x, p + 3 * stride, mask).sub(shift, mask);
      s0 = s0.add(d0);
      s1 = s1.add(d1);
      s2 = s2.add(d2);
      s3 = s3.add(d3);
      q0 = d0.fma(d0, q0);
      q1 = d1.fma(d1, q1);
      q2 = d2.fma(d2, q2);
      q3 = d3.fma(d3, q3);
    }
    for (; row < rows; row++) {
      var d = load(x, at + row * stride, mask).sub(shift, mask);
      s0 = s0.add(d);
      q0 = d.fma(d, q0);
    }
    sums[to] += total(s0, s1, s2, s3);
    sums[to + 1] += total(q0, q1, q2, q3);
  }

  @Override
  void normalize(
      MemorySegment x,
      MemorySegment y,
      long at,
      int rows,
      long stride,
      int length,
      double center,
      double scale,
      double offset) {
    for (var row = rows - 1; row >= 0; row--) {
      if (length >= LANES) {
        normalizeLongRow(x, y, at + row * stride, length, center, scale, offset);
      } else {
        normalizeShortRow(x, y, at + row * stride, length, center, scale, offset);
      }
    }
  }

  /** What is left behind the last whole vector is computed with what stands before it, once more. */
  private static void normalizeLongRow(
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

  private static void normalizeShortRow(
      MemorySegment x, MemorySegment y, long at, int length, double center, double scale, double offset) {
    var mask = SPECIES.indexInRange(0, length);
    store(load(x, at, mask).sub(splat(center)).fma(splat(scale), splat(offset)), y, at, mask);
  }

  @Override
  void gradientSums(
      MemorySegment x,
      MemorySegment dy,
      long at,
      int rows,
      long stride,
      int length,
      double center,
      double[] sums,
      int to) {
    if (length >= LANES) {
      addGradientsOfLongRows(x, dy, at, rows, stride, length, center, sums, to);
    } else {
      addGradientsOfShortRows(x, dy, at, rows, stride, length, center, sums, to);
    }
  }

  private static void addGradientsOfLongRows(
      MemorySegment x,
      MemorySegment dy,
      long at,
      int rows,
      long stride,
      int length,
      double center,
      double[] sums,
      int to) {
    var shift = splat(center);
    var s0 = FloatVector.zero(SPECIES);
    var s1 = FloatVector.zero(SPECIES);
    var s2 = FloatVector.zero(SPECIES);
    var s3 = FloatVector.zero(SPECIES);
    var q0 = FloatVector.zero(SPECIES);
    var q1 = FloatVector.zero(SPECIES);
    var q2 = FloatVector.zero(SPECIES);
    var q3 = FloatVector.zero(SPECIES);
    for (var row = 0; row < rows; row++) {
      var p = at + row * stride;
      var i = 0;
      for (; i <= length - BLOCK; i += BLOCK) {
        var g0 = load(dy, p + i);
        var g1 = load(dy, p + i + LANES);
        var g2 = load(dy, p + i + 2 * LANES);
        var g3 = load(dy, p + i + 3 * LANES);
        s0 = s0.add(g0);
        s1 = s1.add(g1);
        s2 = s2.add(g2);
        s3 = s3.add(g3);
        q0 = load(x, p + i).sub(shift).fma(g0, q0);
        q1 = load(x, p + i + LANES).sub(shift).fma(g1, q1);
        q2 = load(x, p + i + 2 * LANES).sub(shift).fma(g2, q2);
        q3 = load(x, p + i + 3 * LANES).sub(shift).fma(g3, q3);
      }
      for (; i < length; i += LANES) {
        var last = p + Math.min(i, length - LANES);
        var g = load(dy, last).mul(weights(length - i));
        s0 = s0.add(g);
        q1 = load(x, last).sub(shift).fma(g, q1);
      }
    }
    sums[to] += total(s0, s1, s2, s3);
    sums[to + 1] += total(q0, q1, q2, q3);
  }

  private static void addGradientsOfShortRows(
      MemorySegment x,
      MemorySegment dy,
      long at,
      int rows,
      long stride,
      int length,
      double center,
      double[] sums,
      int to) {
    var mask = SPECIES.indexInRange(0, length);
    var shift = splat(center);
    var s0 = FloatVector.zero(SPECIES);
    var s1 = FloatVector.zero(SPECIES);
    var s2 = FloatVector.zero(SPECIES);
    var s3 = FloatVector.zero(SPECIES);
    var q0 = FloatVector.zero(SPECIES);
    var q1 = FloatVector.zero(SPECIES);
    var q2 = FloatVector.zero(SPECIES);
    var q3 = FloatVector.zero(SPECIES);
    var row = 0;
    for (; row <= rows - 4; row += 4) {
      var p = at + row * stride;
      var g0 = load(dy, p, mask);
      var g1 = load(dy, p + stride, mask);
      var g2 = load(dy, p + 2 * stride, mask);
      var g3 = load(dy, p + 3 * stride, mask);
      s0 = s0.add(g0);
      s1 = s1.add(g1);
      s2 = s2.add(g2);
      s3 = s3.add(g3);
      q0 = load(x, p, mask).sub(shift).fma(g0, q0);
      q1 = load(x, p + stride, mask).sub(shift).fma(g1, q1);
      q2 = load(x, p + 2 * stride, mask).sub(shift).fma(g2, q2);
      q3 = load(x, p + 3 * stride, mask).sub(shift).fma(g3, q3);
    }
    for (; row < rows; row++) {
      var g = load(dy, at + row * stride, mask);
      s0 = s0.add(g);
      q0 = load(x, at + row * stride, mask).sub(shift).fma(g, q0);
    }
    sums[to] += total(s0, s1, s2, s3);
    sums[to + 1] += total(q0, q1, q2, q3);
  }

  @Override
  void gradient(
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
      double scale) {
    for (var row = rows - 1; row >= 0; row--) {
      if (length >= LANES) {
        gradientOfLongRow(x, dy, dx, at + row * stride, length, center, slope, offset, scale);
      } else {
        gradientOfShortRow(x, dy, dx, at + row * stride, length, center, slope, offset, scale);
      }
    }
  }

  private static void gradientOfLongRow(
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

  private static void gradientOfShortRow(
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
    var row = 0;
    for (; row <= rows - 4; row += 4) {
      sumsOfFour(x, at + row * stride, stride, length, from, center, sums, squares);
    }
    for (; row < rows; row++) {
      sumsOfOne(x, at + row * stride, length, from, center, sums, squares);
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
    var j = 0;
    for (; j <= length - LANES; j += LANES) {
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
    if (j < length) {
      var tail = SPECIES.indexInRange(j, length);
      for (var row = 0; row < 4; row++) {
        addValues(x, at + j + row * stride, from + j, tail, center, sums, squares);
      }
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
      addValues(x, at + j, from + j, SPECIES.indexInRange(j, length), center, sums, squares);
    }
  }

  private static void addValues(
      MemorySegment x,
      long at,
      int from,
      VectorMask<Float> mask,
      MemorySegment center,
      MemorySegment sums,
      MemorySegment squares) {
    var d = load(x, at, mask).sub(load(center, from));
    store(load(sums, from).add(d), sums, from);
    store(d.fma(d, load(squares, from)), squares, from);
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
    for (var row = rows - 1; row >= 0; row--) {
      normalizeRow(x, y, at + row * stride, length, from, center, scale, offset);
    }
  }

  private static void normalizeRow(
      MemorySegment x,
      MemorySegment y,
      long at,
      int length,
      int from,
      MemorySegment center,
      MemorySegment scale,
      MemorySegment offset) {
    var j = 0;
    for (; j <= length - LANES; j += LANES) {
      var d = load(x, at + j).sub(load(center, from + j));
      store(d.fma(load(scale, from + j), load(offset, from + j)), y, at + j);
    }
    if (j < length) {
      var tail = SPECIES.indexInRange(j, length);
      var d = load(x, at + j, tail).sub(load(center, from + j));
      store(d.fma(load(scale, from + j), load(offset, from + j)), y, at + j, tail);
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
    var row = 0;
    for (; row <= rows - 4; row += 4) {
      gradientSumsOfFour(x, dy, at + row * stride, stride, length, from, center, sums, products);
    }
    for (; row < rows; row++) {
      gradientSumsOfOne(x, dy, at + row * stride, length, from, center, sums, products);
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
    var j = 0;
    for (; j <= length - LANES; j += LANES) {
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
    if (j < length) {
      var tail = SPECIES.indexInRange(j, length);
      for (var row = 0; row < 4; row++) {
        addGradients(x, dy, at + j + row * stride, from + j, tail, center, sums, products);
      }
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
      addGradients(x, dy, at + j, from + j, SPECIES.indexInRange(j, length), center, sums, products);
    }
  }

  private static void addGradients(
      MemorySegment x,
      MemorySegment dy,
      long at,
      int from,
      VectorMask<Float> mask,
      MemorySegment center,
      MemorySegment sums,
      MemorySegment products) {
    var g = load(dy, at, mask);
    var d = load(x, at, mask).sub(load(center, from));
    store(load(sums, from).add(g), sums, from);
    store(d.fma(g, load(products, from)), products, from);
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
    for (var row = rows - 1; row >= 0; row--) {
      gradientRow(x, dy, dx, at + row * stride, length, from, center, slope, offset, scale);
    }
  }

  private static void gradientRow(
      MemorySegment x,
      MemorySegment dy,
      MemorySegment dx,
      long at,
      int length,
      int from,
      MemorySegment center,
      MemorySegment slope,
      MemorySegment offset,
      MemorySegment scale) {
    var j = 0;
    for (; j <= length - LANES; j += LANES) {
      var d = load(x, at + j).sub(load(center, from + j));
      var g = load(dy, at + j).sub(load(offset, from + j));
      store(d.fma(load(slope, from + j), g).mul(load(scale, from + j)), dx, at + j);
    }
    if (j < length) {
      var tail = SPECIES.indexInRange(j, length);
      var d = load(x, at + j, tail).sub(load(center, from + j));
      var g = load(dy, at + j, tail).sub(load(offset, from + j));
      store(d.fma(load(slope, from + j), g).mul(load(scale, from + j)), dx, at + j, tail);
    }
  }
}
