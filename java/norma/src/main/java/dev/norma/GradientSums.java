package dev.norma;

import java.lang.foreign.MemorySegment;

/**
 * The sums over one channel from which the gradients of batch normalization are made.
 *
 * @param dy sum of dy, which is dbeta
 * @param dyXHat sum of dy * x_hat, which is dgamma
 */
record GradientSums(double dy, double dyXHat) {
  static GradientSums of(BatchNormDescriptor norm, MemorySegment x, MemorySegment dy, long c, Moments moments) {
    var type = norm.dataType();
    var invStd = moments.invStd(norm.epsilon());
    var sumDy = new CompensatedSum();
    var sumDyXHat = new CompensatedSum();
    for (var n = 0L; n < norm.batch(); n++) {
      for (var s = 0L; s < norm.spatial(); s++) {
        var i = norm.index(n, c, s);
        var gradient = type.get(dy, i);
        sumDy.add(gradient);
        sumDyXHat.add(gradient * (moments.deviation(type.get(x, i)) * invStd));
      }
    }
    return new GradientSums(sumDy.value(), sumDyXHat.value());
  }

  /** The same sums over the magnitudes of their terms. */
  static GradientSums ofMagnitudes(
      BatchNormDescriptor norm, MemorySegment x, MemorySegment dy, long c, Moments moments) {
    var type = norm.dataType();
    var invStd = moments.invStd(norm.epsilon());
    var sumDy = 0d;
    var sumDyXHat = 0d;
    for (var n = 0L; n < norm.batch(); n++) {
      for (var s = 0L; s < norm.spatial(); s++) {
        var i = norm.index(n, c, s);
        var gradient = Math.abs(type.get(dy, i));
        sumDy += gradient;
        sumDyXHat += gradient * Math.abs(moments.deviation(type.get(x, i)) * invStd);
      }
    }
    return new GradientSums(sumDy, sumDyXHat);
  }

  boolean isFinite() {
    return Double.isFinite(dy) && Double.isFinite(dyXHat);
  }

  /** The sums over a count. */
  GradientSums dividedBy(long count) {
    return new GradientSums(dy / count, dyXHat / count);
  }
}
