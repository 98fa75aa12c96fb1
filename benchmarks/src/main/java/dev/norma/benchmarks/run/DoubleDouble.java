package dev.norma.benchmarks.run;

/**
 * A number as the unevaluated sum of two doubles, good for about 32 digits (Dekker, A floating-point technique for
 * extending the available precision, Numerische Mathematik 18, 1971).
 *
 * @param high the nearest double
 * @param low what it lacks
 */
record DoubleDouble(double high, double low) {
  static final DoubleDouble ZERO = new DoubleDouble(0, 0);

  static DoubleDouble of(double value) {
    return new DoubleDouble(value, 0);
  }

  /** The exact sum of two doubles (Knuth's two-sum). */
  private static DoubleDouble exactSum(double a, double b) {
    double sum = a + b;
    double ofB = sum - a;
    return new DoubleDouble(sum, (a - (sum - ofB)) + (b - ofB));
  }

  DoubleDouble plus(DoubleDouble other) {
    var highs = exactSum(high, other.high);
    var lows = exactSum(low, other.low);
    var sum = exactSum(highs.high, highs.low + lows.high);
    return exactSum(sum.high, sum.low + lows.low);
  }

  DoubleDouble minus(DoubleDouble other) {
    return plus(new DoubleDouble(-other.high, -other.low));
  }

  DoubleDouble times(DoubleDouble other) {
    double product = high * other.high;
    double error = Math.fma(high, other.high, -product);
    return exactSum(product, error + (high * other.low + low * other.high));
  }

  DoubleDouble dividedBy(DoubleDouble other) {
    double first = high / other.high;
    var rest = minus(other.times(of(first)));
    double second = rest.high / other.high;
    rest = rest.minus(other.times(of(second)));
    return of(first).plus(of(second)).plus(of(rest.high / other.high));
  }

  /** By one step of Newton's method from the double. */
  DoubleDouble squareRoot() {
    if (high == 0) {
      return ZERO;
    }
    double root = Math.sqrt(high);
    var rest = minus(of(root).times(of(root)));
    return of(root).plus(of(rest.high / (2 * root)));
  }
}
