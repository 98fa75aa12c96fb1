package dev.norma;

/**
 * A sum of doubles whose error does not grow with their number (Neumaier's variant of Kahan's summation): about one
 * rounding of the result plus 2^-106 n of the sum of magnitudes.
 */
final class CompensatedSum {
  private double sum;
  private double lost;

  void add(double value) {
    var next = sum + value;
    // What the addition lost is exact when the smaller operand is taken from the rounded result.
    lost += Math.abs(sum) >= Math.abs(value) ? (sum - next) + value : (value - next) + sum;
    sum = next;
  }

  /** An infinite sum has lost nothing that can be told. */
  double value() {
    return Double.isInfinite(sum) ? sum : sum + lost;
  }
}
