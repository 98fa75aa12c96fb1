package dev.norma;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Objects;

/**
 * A dense tensor: a view of memory off the heap with a data type, a layout and extents. It owns nothing; the arena of
 * its segment decides how long the memory lives and which threads may use it.
 *
 * <p>Extents are given in the order N, C, spatial extents, whatever the layout, from 2 of them (a dense layer: N, C) to
 * 5 (volumes: N, C, D, H, W). The layout says in which order the elements stand in memory.
 *
 * <pre>{@code
 * try (Arena arena = Arena.ofConfined()) {
 *   Tensor x = Tensor.allocate(arena, DataType.FLOAT32, Layout.CHANNELS_FIRST, 32, 64, 56, 56);
 * }
 * }</pre>
 *
 * <p>The view is immutable and may be shared by threads; its elements are as safe as the memory behind them.
 */
public final class Tensor {
  private static final int MIN_RANK = 2;
  private static final int MAX_RANK = 5;
  private static final long CACHE_LINE = 64;

  private final MemorySegment segment;
  private final DataType dataType;
  private final Layout layout;
  private final long[] extents;
  private final long spatial;

  private Tensor(MemorySegment segment, DataType dataType, Layout layout, long[] extents) {
    this.segment = segment;
    this.dataType = dataType;
    this.layout = layout;
    this.extents = extents;
    this.spatial = Arrays.stream(extents).skip(2).reduce(1, (a, b) -> a * b);
  }

  /**
   * A new tensor of zeros, aligned to 64 bytes.
   *
   * @param arena owns the memory
   * @param type of the elements
   * @param layout of the elements
   * @param extents N, C, spatial extents: 2 to 5, each at least 1
   * @return the tensor
   * @throws IllegalArgumentException if there are fewer or more extents, one is below 1, or the size exceeds a long
   */
  public static Tensor allocate(Arena arena, DataType type, Layout layout, long... extents) {
    var copy = extents.clone();
    var segment = arena.allocate(bytes(type, copy), CACHE_LINE);
    return new Tensor(segment, type, Objects.requireNonNull(layout, "layout"), copy);
  }

  /**
   * A view of existing memory; nothing is copied.
   *
   * @param segment off the heap, aligned to the data type, of exactly the size of the tensor (slice a larger one)
   * @param type of the elements
   * @param layout of the elements
   * @param extents N, C, spatial extents: 2 to 5, each at least 1
   * @return the tensor
   * @throws IllegalArgumentException if the segment is on the heap, misaligned or of another size, or as in {@link
   *     #allocate}
   */
  public static Tensor of(MemorySegment segment, DataType type, Layout layout, long... extents) {
    var copy = extents.clone();
    var bytes = bytes(type, copy);
    SegmentChecks.requireNative("segment", segment);
    SegmentChecks.requireAligned("segment", segment, type.bytes());
    if (segment.byteSize() != bytes) {
      throw new IllegalArgumentException(
          "a %s tensor of extents %s takes %d bytes, not the %d of the segment"
              .formatted(type, Arrays.toString(copy), bytes, segment.byteSize()));
    }
    return new Tensor(segment, type, Objects.requireNonNull(layout, "layout"), copy);
  }

  /**
   * A new tensor of zeros that is so many rows, one after the other, aligned to 64 bytes: what {@link LayerNorm} and
   * {@link RmsNorm} normalize, whatever the axes that the rows and their elements stand for.
   *
   * @param arena owns the memory
   * @param type of the elements
   * @param rows at least 1
   * @param length the elements of a row, at least 1
   * @return the tensor, with the extents rows and length
   * @throws IllegalArgumentException as in {@link #allocate}
   */
  public static Tensor rows(Arena arena, DataType type, long rows, long length) {
    return allocate(arena, type, Layout.CHANNELS_FIRST, rows, length);
  }

  /**
   * A view of existing memory as so many rows, one after the other; nothing is copied.
   *
   * @param segment off the heap, aligned to the data type, of exactly the size of the tensor (slice a larger one)
   * @param type of the elements
   * @param rows at least 1
   * @param length the elements of a row, at least 1
   * @return the tensor, with the extents rows and length
   * @throws IllegalArgumentException as in {@link #of}
   */
  public static Tensor rows(MemorySegment segment, DataType type, long rows, long length) {
    return of(segment, type, Layout.CHANNELS_FIRST, rows, length);
  }

  private static long bytes(DataType type, long[] extents) {
    if (extents.length < MIN_RANK || extents.length > MAX_RANK) {
      throw new IllegalArgumentException("a tensor has 2 to 5 extents, not " + Arrays.toString(extents));
    }
    long bytes = type.bytes();
    try {
      for (var extent : extents) {
        if (extent < 1) {
          throw new IllegalArgumentException("extents must be at least 1: " + Arrays.toString(extents));
        }
        bytes = Math.multiplyExact(bytes, extent);
      }
    } catch (ArithmeticException overflow) {
      throw new IllegalArgumentException(
          "a tensor of extents %s exceeds 2^63 - 1 bytes".formatted(Arrays.toString(extents)), overflow);
    }
    return bytes;
  }

  /**
   * The memory of the tensor.
   *
   * @return the live segment, not a copy
   */
  public MemorySegment segment() {
    return segment;
  }

  /**
   * The type of the elements.
   *
   * @return the data type
   */
  public DataType dataType() {
    return dataType;
  }

  /**
   * The order of the elements in memory.
   *
   * @return the layout
   */
  public Layout layout() {
    return layout;
  }

  /**
   * The first extent.
   *
   * @return N
   */
  public long batch() {
    return extents[0];
  }

  /**
   * The second extent.
   *
   * @return C
   */
  public long channels() {
    return extents[1];
  }

  /**
   * The product of the spatial extents.
   *
   * @return S, 1 where there are none
   */
  public long spatial() {
    return spatial;
  }

  /**
   * All extents.
   *
   * @return a copy: N, C, spatial extents
   */
  public long[] extents() {
    return extents.clone();
  }

  /**
   * The number of elements.
   *
   * @return N * C * S
   */
  public long size() {
    return extents[0] * extents[1] * spatial;
  }

  /**
   * Where an element stands.
   *
   * @param n 0 to N - 1
   * @param c 0 to C - 1
   * @param s 0 to S - 1, row by row over the spatial extents
   * @return the flat index in memory
   */
  public long index(long n, long c, long s) {
    Objects.checkIndex(n, batch());
    Objects.checkIndex(c, channels());
    Objects.checkIndex(s, spatial);
    return layout.index(n, c, s, channels(), spatial);
  }

  /**
   * Reads an element.
   *
   * @param index flat index in memory, 0 to {@link #size} - 1
   * @return its value
   */
  public double get(long index) {
    return dataType.get(segment, index);
  }

  /**
   * Writes an element.
   *
   * @param index flat index in memory, 0 to {@link #size} - 1
   * @param value is rounded to the data type
   */
  public void set(long index, double value) {
    dataType.set(segment, index, value);
  }

  /**
   * Overwrites all elements, in the order of memory.
   *
   * @param values as many as there are elements
   * @return this tensor
   * @throws IllegalArgumentException if there are more or fewer
   */
  public Tensor copyFrom(float... values) {
    requireSize(values.length);
    for (var i = 0; i < values.length; i++) {
      set(i, values[i]);
    }
    return this;
  }

  /**
   * Overwrites all elements, in the order of memory; values are rounded to the data type.
   *
   * @param values as many as there are elements
   * @return this tensor
   * @throws IllegalArgumentException if there are more or fewer
   */
  public Tensor copyFrom(double... values) {
    requireSize(values.length);
    for (var i = 0; i < values.length; i++) {
      set(i, values[i]);
    }
    return this;
  }

  private void requireSize(int length) {
    if (length != size()) {
      throw new IllegalArgumentException(
          "%d values for a tensor of extents %s".formatted(length, Arrays.toString(extents)));
    }
  }

  /**
   * Copies all elements to the heap, in the order of memory; values are rounded to float.
   *
   * @return a new array
   * @throws ArithmeticException if there are more elements than an array can hold
   */
  public float[] toFloats() {
    var values = new float[Math.toIntExact(size())];
    for (var i = 0; i < values.length; i++) {
      values[i] = (float) get(i);
    }
    return values;
  }

  /**
   * Copies all elements to the heap, in the order of memory.
   *
   * @return a new array
   * @throws ArithmeticException if there are more elements than an array can hold
   */
  public double[] toDoubles() {
    var values = new double[Math.toIntExact(size())];
    for (var i = 0; i < values.length; i++) {
      values[i] = get(i);
    }
    return values;
  }

  /** Whether data type, layout and extents are those of another tensor. */
  boolean isLike(Tensor other) {
    return dataType == other.dataType && layout == other.layout && Arrays.equals(extents, other.extents);
  }

  /** Whether these are the last extents in the order of memory. */
  boolean endsIn(long[] last) {
    for (var i = 1; i <= last.length; i++) {
      if (i > extents.length || extentInMemory(extents.length - i) != last[last.length - i]) {
        return false;
      }
    }
    return true;
  }

  /** Whether this has two extents, the last of which is that. */
  boolean endsInRowsOf(long length) {
    return extents.length == 2 && extents[1] == length;
  }

  /** An extent in the order of memory, the last one the fastest: channels come last, or right after the batch. */
  private long extentInMemory(int i) {
    if (layout == Layout.CHANNELS_FIRST || i == 0) {
      return extents[i];
    }
    return i == extents.length - 1 ? extents[1] : extents[i + 1];
  }

  /** Data type, layout and extents, such as {@code FLOAT32 CHANNELS_FIRST [32, 64, 56, 56]}. */
  @Override
  public String toString() {
    return dataType + " " + layout + " " + Arrays.toString(extents);
  }
}
