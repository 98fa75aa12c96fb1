package dev.norma;

import static java.lang.foreign.ValueLayout.JAVA_DOUBLE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;

/**
 * Mean and biased variance of one channel.
 *
 * @param mean the mean, rounded to double
 * @param meanRest what rounding the mean lost, 0 where that is not known
 * @param variance the biased variance, without epsilon
 */
record Moments(double mean, double meanRest, double variance) {
  /**
   * Two passes. The first takes the mean as a distance from one of the values, so that it is exact for a constant
   * channel and does not overflow. The second sums deviations and their squares; with d = x - mean, the sum of d says
   * by how much that mean is off, and sum d^2 - (sum d)^2 / M is the sum of squares about the true mean.
   */
  static Moments of(BatchNormDescriptor norm, MemorySegment x, long c) {
    var type = norm.dataType();
    var count = norm.valuesPerChannel();
    var pivot = type.get(x, norm.index(0, c, 0));
    var distances = new CompensatedSum();
    for (var n = 0L; n < norm.batch(); n++) {
      for (var s = 0L; s < norm.spatial(); s++) {
        distances.add(type.get(x, norm.index(n, c, s)) - pivot);
      }
    }
    var mean = pivot + distances.value() / count;
    var deviations = new CompensatedSum();
    var squares = new CompensatedSum();
    for (var n = 0L; n < norm.batch(); n++) {
      for (var s = 0L; s < norm.spatial(); s++) {
        var d = type.get(x, norm.index(n, c, s)) - mean;
        deviations.add(d);
        squares.add(d * d);
      }
    }
    var rest = deviations.value() / count;
    var rounded = mean + rest;
    return new Moments(
        rounded, mean - rounded + rest, Math.max(0, squares.value() / count - rest * rest));
  }

  static Moments ofBatch(MemorySegment mean, MemorySegment variance, long c) {
    return new Moments(mean.getAtIndex(JAVA_DOUBLE, c), 0, variance.getAtIndex(JAVA_DOUBLE, c));
  }

  static Moments ofRunning(BatchNormDescriptor norm, MemorySegment mean, MemorySegment variance, long c) {
    var type = norm.dataType().parameterType();
    return new Moments(type.get(mean, c), 0, type.get(variance, c));
  }

  /** The moments of the whole, about the mean of a part that has values: exact where all parts have the same mean. */
  static Moments merge(
      long channels, long parts, MemorySegment counts, MemorySegment means, MemorySegment variances, long c) {
    var total = (double) total(parts, counts);
    var pivot = Double.NaN;
    var distances = new CompensatedSum();
    for (var part = 0L; part < parts; part++) {
      var weight = counts.getAtIndex(JAVA_LONG, part) / total;
      if (weight > 0) {
        var mean = means.getAtIndex(JAVA_DOUBLE, part * channels + c);
        pivot = Double.isNaN(pivot) ? mean : pivot;
        distances.add(weight * (mean - pivot));
      }
    }
    var whole = pivot + distances.value();
    var variance = new CompensatedSum();
    for (var part = 0L; part < parts; part++) {
      var weight = counts.getAtIndex(JAVA_LONG, part) / total;
      if (weight > 0) {
        var d = means.getAtIndex(JAVA_DOUBLE, part * channels + c) - whole;
        variance.add(weight * (variances.getAtIndex(JAVA_DOUBLE, part * channels + c) + d * d));
      }
    }
    return new Moments(whole, 0, variance.value());
  }

  static long total(long parts, MemorySegment counts) {
    var total = 0L;
    for (var part = 0L; part < parts; part++) {
      total += counts.getAtIndex(JAVA_LONG, part);
    }
    return total;
  }

  double deviation(double x) {
    return x - mean - meanRest;
  }

  /** 1 / sqrt(variance + epsilon); 0 for a constant channel without epsilon, whose x_hat is 0. */
  double invStd(double epsilon) {
    var sum = variance + epsilon;
    return sum == 0 ? 0 : 1 / Math.sqrt(sum);
  }
}
