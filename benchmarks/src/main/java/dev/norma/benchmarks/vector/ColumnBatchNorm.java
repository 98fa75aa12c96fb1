package dev.norma.benchmarks.vector;

import dev.norma.BatchNormDescriptor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Channels last: a matrix with a row for each value of a channel and a column for each channel. If a stripe of columns
 * fits in the cache, threads share the columns and take one stripe after the other, so that the second pass over a
 * stripe finds it in the cache. Otherwise they share the rows, once for the sums and once more for the result.
 */
final class ColumnBatchNorm extends VectorBatchNorm {
  /** Rows that are added up in the type before they go to a sum in double. */
  private static final int CHUNK = 512;

  /** How many rows the shift of the sums is the mean of. */
  private static final int SAMPLES = 8;

  /** What a stripe may take: half of a usual second-level cache. */
  private static final int STRIPE_BYTES = 512 << 10;

  /** The narrowest stripe: shorter pieces of rows are not fetched ahead. */
  private static final int STRIPE_ROW_BYTES = 256;

  private final int rows;
  private final int columns;

  /** Columns of a stripe, 0 if threads share the rows. */
  private final int stripe;

  private final Arena arena = Arena.ofShared();
  private final MemorySegment center;
  private final MemorySegment scale;
  private final MemorySegment offset;
  private final MemorySegment slope;
  private final Partial[] partials;

  private final Team.Work forwardStripes = this::forwardStripes;
  private final Team.Work backwardStripes = this::backwardStripes;
  private final Team.Work addRows = this::addRows;
  private final Team.Work addGradientRows = this::addGradientRows;
  private final Team.Work normalizeRows = this::normalizeRows;
  private final Team.Work normalizeRowsInOrder = this::normalizeRowsInOrder;
  private final Team.Work gradientRows = this::gradientRows;

  /** What a thread has summed up: in the type a chunk, in double the whole. */
  private static final class Partial {
    final MemorySegment sums;
    final MemorySegment products;
    final double[] totalSums;
    final double[] totalProducts;

    Partial(MemorySegment sums, MemorySegment products, int columns) {
      this.sums = sums;
      this.products = products;
      totalSums = new double[columns];
      totalProducts = new double[columns];
    }
  }

  ColumnBatchNorm(BatchNormDescriptor norm, double updateWeight) {
    super(norm, updateWeight);
    rows = Math.toIntExact(norm.valuesPerChannel());
    columns = Math.toIntExact(norm.channels());
    stripe = stripe();
    center = allocate();
    scale = allocate();
    offset = allocate();
    slope = allocate();
    partials = new Partial[team.size()];
    for (var i = 0; i < partials.length; i++) {
      partials[i] = new Partial(allocate(), allocate(), columns);
    }
  }

  private MemorySegment allocate() {
    return arena.allocate((long) kernels.padded(columns) * kernels.bytes(), 64);
  }

  private int stripe() {
    var widest = STRIPE_BYTES / ((long) rows * kernels.bytes());
    var narrowest = Math.min(columns, STRIPE_ROW_BYTES / kernels.bytes());
    if (widest < narrowest || columns < (long) narrowest * team.size()) {
      return 0;
    }
    return kernels.padded((int) Math.min(widest - kernels.lanes() + 1, columns));
  }

  @Override
  void forwardTraining() {
    if (stripe > 0) {
      team.run(forwardStripes);
    } else {
      chooseCenter(partials[0], 0, columns);
      team.run(addRows);
      mergePartials();
      endForward(partials[0], 0, columns);
      team.run(normalizeRows);
    }
  }

  @Override
  void forwardInference() {
    for (var c = 0; c < columns; c++) {
      kernels.set(center, c, runningCenter(c));
      kernels.set(scale, c, runningScale(c));
      kernels.set(offset, c, runningOffset(c));
    }
    team.run(normalizeRowsInOrder);
  }

  @Override
  void backwardTraining() {
    if (stripe > 0) {
      team.run(backwardStripes);
    } else {
      setCenter(0, columns);
      team.run(addGradientRows);
      mergePartials();
      endBackward(partials[0], 0, columns);
      team.run(gradientRows);
    }
  }

  private void forwardStripes(int thread) {
    var partial = partials[thread];
    var end = firstColumn(thread + 1);
    for (var c = firstColumn(thread); c < end; c += stripe) {
      var to = Math.min(c + stripe, end);
      chooseCenter(partial, c, to);
      add(partial, 0, rows, c, to);
      endForward(partial, c, to);
      normalize(0, rows, c, to);
    }
  }

  private void backwardStripes(int thread) {
    var partial = partials[thread];
    var end = firstColumn(thread + 1);
    for (var c = firstColumn(thread); c < end; c += stripe) {
      var to = Math.min(c + stripe, end);
      setCenter(c, to);
      addGradients(partial, 0, rows, c, to);
      endBackward(partial, c, to);
      gradient(0, rows, c, to);
    }
  }

  private void addRows(int thread) {
    add(partials[thread], firstRow(thread), firstRow(thread + 1), 0, columns);
  }

  private void normalizeRows(int thread) {
    normalize(firstRow(thread), firstRow(thread + 1), 0, columns);
  }

  private void normalizeRowsInOrder(int thread) {
    normalizeChunk(firstRow(thread), firstRow(thread + 1), 0, columns);
  }

  private void addGradientRows(int thread) {
    addGradients(partials[thread], firstRow(thread), firstRow(thread + 1), 0, columns);
  }

  private void gradientRows(int thread) {
    gradient(firstRow(thread), firstRow(thread + 1), 0, columns);
  }

  private int firstRow(int thread) {
    return (int) ((long) rows * thread / team.size());
  }

  /** Threads share whole vectors. */
  private int firstColumn(int thread) {
    var vectors = (long) kernels.padded(columns) / kernels.lanes();
    return Math.min(columns, (int) (vectors * thread / team.size()) * kernels.lanes());
  }

  private long start(int row, int column) {
    return (long) row * columns + column;
  }

  /** About the mean: the mean of rows spread over the batch; their very value if they are all the same. */
  private void chooseCenter(Partial partial, int from, int to) {
    var samples = Math.min(SAMPLES, rows);
    var stride = (long) (rows / samples) * columns;
    var bytes = (long) kernels.bytes();
    MemorySegment.copy(x, start(0, from) * bytes, center, from * bytes, (to - from) * bytes);
    kernels.columnSums(
        x, start(0, from), samples, stride, to - from, from, center, partial.sums, partial.products);
    for (var c = from; c < to; c++) {
      kernels.set(center, c, kernels.get(center, c) + kernels.get(partial.sums, c) / samples);
      clear(partial, c);
    }
  }

  private void add(Partial partial, int firstRow, int endRow, int from, int to) {
    for (var row = firstRow; row < endRow; row += CHUNK) {
      var chunk = Math.min(CHUNK, endRow - row);
      kernels.columnSums(
          x, start(row, from), chunk, columns, to - from, from, center, partial.sums, partial.products);
      endChunk(partial, from, to);
    }
  }

  private void addGradients(Partial partial, int firstRow, int endRow, int from, int to) {
    for (var row = firstRow; row < endRow; row += CHUNK) {
      var chunk = Math.min(CHUNK, endRow - row);
      kernels.columnGradientSums(
          x, dy, start(row, from), chunk, columns, to - from, from, center, partial.sums, partial.products);
      endChunk(partial, from, to);
    }
  }

  private void endChunk(Partial partial, int from, int to) {
    for (var c = from; c < to; c++) {
      partial.totalSums[c] += kernels.get(partial.sums, c);
      partial.totalProducts[c] += kernels.get(partial.products, c);
      clear(partial, c);
    }
  }

  private void clear(Partial partial, int c) {
    kernels.set(partial.sums, c, 0);
    kernels.set(partial.products, c, 0);
  }

  /** Moves what all threads have summed up to the first. */
  private void mergePartials() {
    for (var i = 1; i < partials.length; i++) {
      for (var c = 0; c < columns; c++) {
        partials[0].totalSums[c] += partials[i].totalSums[c];
        partials[0].totalProducts[c] += partials[i].totalProducts[c];
        partials[i].totalSums[c] = 0;
        partials[i].totalProducts[c] = 0;
      }
    }
  }

  private void endForward(Partial partial, int from, int to) {
    for (var c = from; c < to; c++) {
      storeMoments(c, kernels.get(center, c), partial.totalSums[c], partial.totalProducts[c]);
      kernels.set(center, c, center(c));
      kernels.set(scale, c, scale(c));
      kernels.set(offset, c, offset(c));
      partial.totalSums[c] = 0;
      partial.totalProducts[c] = 0;
    }
  }

  private void setCenter(int from, int to) {
    for (var c = from; c < to; c++) {
      kernels.set(center, c, center(c));
    }
  }

  private void endBackward(Partial partial, int from, int to) {
    for (var c = from; c < to; c++) {
      var sumDy = partial.totalSums[c];
      var sumDyD = partial.totalProducts[c];
      storeGradients(c, sumDy, sumDyD);
      var steepness = gradientSlope(c, sumDy, sumDyD);
      kernels.set(slope, c, steepness);
      kernels.set(offset, c, gradientOffset(c, sumDy, steepness));
      kernels.set(scale, c, scale(c));
      partial.totalSums[c] = 0;
      partial.totalProducts[c] = 0;
    }
  }

  /** The last chunk first: the sums have read it last. */
  private void normalize(int firstRow, int endRow, int from, int to) {
    for (var end = endRow; end > firstRow; end -= CHUNK) {
      normalizeChunk(Math.max(firstRow, end - CHUNK), end, from, to);
    }
  }

  private void normalizeChunk(int firstRow, int endRow, int from, int to) {
    kernels.normalizeColumns(
        x, y, start(firstRow, from), endRow - firstRow, columns, to - from, from, center, scale, offset);
  }

  /** The last chunk first, like {@link #normalize}. */
  private void gradient(int firstRow, int endRow, int from, int to) {
    for (var end = endRow; end > firstRow; end -= CHUNK) {
      gradientChunk(Math.max(firstRow, end - CHUNK), end, from, to);
    }
  }

  private void gradientChunk(int firstRow, int endRow, int from, int to) {
    kernels.columnGradient(
        x, dy, dx, start(firstRow, from), endRow - firstRow, columns, to - from, from, center, slope, offset, scale);
  }

  @Override
  public void close() {
    super.close();
    arena.close();
  }
}
