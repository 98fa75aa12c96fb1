package dev.norma;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.function.LongFunction;

/**
 * The gradients through slices that are normalized by themselves, in double. With {@code g = gamma * dy}:
 *
 * <pre>
 *   dx     = invStd * (g - mean of g - xHat * mean of g * xHat)    means over the slice; without the mean of g
 *                                                                  where no mean was taken off x
 *   dgamma = sum of dy * xHat over all elements with this gamma
 *   dbeta  = sum of dy over the same
 * </pre>
 *
 * @param slices of the tensors
 * @param centred whether a mean was taken off x
 * @param x tensor
 * @param dy tensor
 * @param gamma parameters, or NULL
 */
record SliceGradients(Slices slices, boolean centred, MemorySegment x, MemorySegment dy, MemorySegment gamma) {
  /** Stores what is wanted. Dx is last, for it may be in place of dy. */
  void store(
      MemorySegment mean, MemorySegment invStd, MemorySegment dx, MemorySegment dgamma, MemorySegment dbeta) {
    storeParameters(slice -> Standardization.given(mean, invStd, slice), dgamma, dbeta);
    for (var slice = 0L; slice < slices.count() && dx.address() != 0; slice++) {
      storeInput(slice, Standardization.given(mean, invStd, slice), dx);
    }
  }

  /** The gradient by y, times gamma, at an element. */
  double g(long i) {
    return slices.parameter(gamma, i, 1) * slices.type().get(dy, i);
  }

  double xHat(Standardization by, long i) {
    return by.xHat(slices.type().get(x, i));
  }

  /** The means of g and g * xHat over a slice. */
  GradientSums means(long slice, Standardization by) {
    var sumG = new CompensatedSum();
    var sumGXHat = new CompensatedSum();
    slices.forEachOf(
        slice,
        i -> {
          sumG.add(centred ? g(i) : 0);
          sumGXHat.add(g(i) * xHat(by, i));
        });
    return new GradientSums(sumG.value(), sumGXHat.value()).dividedBy(slices.length());
  }

  /** The sums of the magnitudes of the terms of the means. */
  GradientSums magnitudes(long slice, Standardization by) {
    var sums = new double[2];
    slices.forEachOf(
        slice,
        i -> {
          sums[0] += centred ? Math.abs(g(i)) : 0;
          sums[1] += Math.abs(g(i) * xHat(by, i));
        });
    return new GradientSums(sums[0], sums[1]);
  }

  double dx(Standardization by, GradientSums means, long i) {
    return by.invStd() * (g(i) - means.dy() - xHat(by, i) * means.dyXHat());
  }

  void storeInput(long slice, Standardization by, MemorySegment dx) {
    var means = means(slice, by);
    slices.forEachOf(slice, i -> slices.type().set(dx, i, dx(by, means, i)));
  }

  /** Stores those of the gradients of the parameters that are wanted. */
  void storeParameters(LongFunction<Standardization> standardizations, MemorySegment dgamma, MemorySegment dbeta) {
    var sumsDy = sums();
    var sumsDyXHat = sums();
    for (var slice = 0L; slice < slices.count(); slice++) {
      var by = standardizations.apply(slice);
      slices.forEachOf(
          slice,
          i -> {
            var parameter = (int) slices.parameterOf(i);
            var gradient = slices.type().get(dy, i);
            sumsDy[parameter].add(gradient);
            sumsDyXHat[parameter].add(gradient * xHat(by, i));
          });
    }
    store(sumsDyXHat, dgamma);
    store(sumsDy, dbeta);
  }

  private CompensatedSum[] sums() {
    var sums = new CompensatedSum[Math.toIntExact(slices.parameters())];
    Arrays.setAll(sums, i -> new CompensatedSum());
    return sums;
  }

  private void store(CompensatedSum[] sums, MemorySegment gradients) {
    if (gradients.address() != 0) {
      for (var i = 0; i < sums.length; i++) {
        slices.type().parameterType().set(gradients, i, sums[i].value());
      }
    }
  }
}
