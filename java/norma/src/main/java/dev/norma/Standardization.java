package dev.norma;

import static java.lang.foreign.ValueLayout.JAVA_DOUBLE;

import java.lang.foreign.MemorySegment;

/**
 * How values that are normalized together are standardized: {@code x_hat = (x - mean) * invStd}.
 *
 * @param mean the mean, rounded to double; 0 for RMS normalization
 * @param meanRest what rounding the mean lost, 0 where that is not known
 * @param invStd the inverse of the deviation, or of the root of the mean square
 */
record Standardization(double mean, double meanRest, double invStd) {
  static Standardization of(Moments moments, double epsilon) {
    return new Standardization(moments.mean(), moments.meanRest(), moments.invStd(epsilon));
  }

  /** The i-th of those given; without a mean where that is NULL. */
  static Standardization given(MemorySegment mean, MemorySegment invStd, long i) {
    var center = mean.address() == 0 ? 0 : mean.getAtIndex(JAVA_DOUBLE, i);
    return new Standardization(center, 0, invStd.getAtIndex(JAVA_DOUBLE, i));
  }

  /** Stores what is wanted of it as the i-th. */
  void store(MemorySegment mean, MemorySegment invStd, long i) {
    if (mean.address() != 0) {
      mean.setAtIndex(JAVA_DOUBLE, i, this.mean);
    }
    if (invStd.address() != 0) {
      invStd.setAtIndex(JAVA_DOUBLE, i, this.invStd);
    }
  }

  double deviation(double x) {
    return x - mean - meanRest;
  }

  double xHat(double x) {
    return deviation(x) * invStd;
  }
}
