package dev.norma.benchmarks.run;

/** How far a computed value may be from the expected one, and in what the distance is counted. */
interface Bounds {
  /** For what computes nothing that could be rounded otherwise. */
  Bounds EXACT = new Bounds() {
    @Override
    public double tolerance(long i, int c, double expected) {
      return 0;
    }

    @Override
    public double scale(long i, int c, double expected) {
      return expected;
    }
  };

  /** The largest distance of element i, which is of channel c, that rounding explains. */
  double tolerance(long i, int c, double expected);

  /**
   * How much farther the element may be where rounding decides whether ReLU passes a gradient. It is no error: an
   * implementation that decides otherwise has its own z, and is right by that.
   */
  default double doubt(long i, int c) {
    return 0;
  }

  /** The largest of the terms that make up the element: the error is counted in units in its last place. */
  double scale(long i, int c, double expected);
}
