package dev.norma;

/** A convolution without padding and bias, term by term, in double; a dense layer where no extents are spatial. */
record NaiveConvolution(Tensor x, Tensor weights, long groups) {
  /**
   * One output.
   *
   * @param value the sum
   * @param magnitudes the sum of the magnitudes of its terms
   */
  record Sum(double value, double magnitudes) {}

  private static long extent(Tensor tensor, int axis) {
    var extents = tensor.extents();
    return axis < extents.length ? extents[axis] : 1;
  }

  private long size(int axis) {
    return extent(x, axis) - extent(weights, axis) + 1;
  }

  long[] outputExtents() {
    var extents = x.extents();
    extents[1] = weights.batch();
    for (var axis = 2; axis < extents.length; axis++) {
      extents[axis] = size(axis);
    }
    return extents;
  }

  Sum at(long n, long o, long s) {
    var inGroup = weights.channels();
    var first = o / (weights.batch() / groups) * inGroup;
    var row = s / size(3);
    var column = s % size(3);
    var value = 0d;
    var magnitudes = 0d;
    for (var i = 0L; i < inGroup; i++) {
      for (var k = 0L; k < weights.spatial(); k++) {
        var under = (row + k / extent(weights, 3)) * extent(x, 3) + column + k % extent(weights, 3);
        var term = weights.get(weights.index(o, i, k)) * x.get(x.index(n, first + i, under));
        value += term;
        magnitudes += Math.abs(term);
      }
    }
    return new Sum(value, magnitudes);
  }
}
