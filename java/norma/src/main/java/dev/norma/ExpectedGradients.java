package dev.norma;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** What a backward pass should give. */
final class ExpectedGradients {
  private final BatchNormDescriptor norm;
  private final Tolerances tolerances;
  private final Expectation dx;
  private final Expectation dgamma;
  private final Expectation dbeta;

  ExpectedGradients(Arena arena, String operation, BatchNormDescriptor norm) {
    this.norm = norm;
    this.tolerances = new Tolerances(norm.dataType(), norm.epsilon());
    this.dx = Expectation.ofTensor(arena, operation, "dx", norm);
    this.dgamma = Expectation.ofArray(arena, operation, "dgamma", norm.channels(), norm.dataType());
    this.dbeta = Expectation.ofArray(arena, operation, "dbeta", norm.channels(), norm.dataType());
  }

  MemorySegment dx() {
    return dx.values();
  }

  MemorySegment dgamma() {
    return dgamma.values();
  }

  MemorySegment dbeta() {
    return dbeta.values();
  }

  /** Sets the tolerances of the parameter gradients. */
  void allowSums(MemorySegment x, MemorySegment dy, long c, Moments moments) {
    var errors = errors(x, dy, c, moments);
    dbeta.allow(c, errors.dy() + tolerances.stored(dbeta.value(c)));
    dgamma.allow(c, errors.dyXHat() + tolerances.stored(dgamma.value(c)));
  }

  private GradientSums errors(MemorySegment x, MemorySegment dy, long c, Moments moments) {
    var magnitudes = GradientSums.ofMagnitudes(norm, x, dy, c, moments);
    return new GradientSums(
        tolerances.sumDy(magnitudes), tolerances.sumDyXHat(moments, magnitudes, norm.valuesPerChannel()));
  }

  /**
   * Sets the reference's dx by the parameter gradients that the native kernels gave, which have been rounded since; by
   * its own sums where they are too large to be stored.
   */
  void expectGradient(
      MemorySegment x,
      MemorySegment dy,
      MemorySegment gamma,
      long c,
      Moments moments,
      MemorySegment actualDgamma,
      MemorySegment actualDbeta) {
    var type = norm.dataType();
    var given = new GradientSums(type.get(actualDbeta, c), type.get(actualDgamma, c));
    if (given.isFinite()) {
      var errors = new GradientSums(tolerances.stored(given.dy()), tolerances.stored(given.dyXHat()));
      expectGradient(x, dy, gamma, c, moments, given, errors, norm.valuesPerChannel());
    } else {
      var sums = GradientSums.of(norm, x, dy, c, moments);
      expectGradient(x, dy, gamma, c, moments, sums, errors(x, dy, c, moments), norm.valuesPerChannel());
    }
  }

  /** Sets the reference's dx by sums that have such errors. */
  void expectGradient(
      MemorySegment x,
      MemorySegment dy,
      MemorySegment gamma,
      long c,
      Moments moments,
      GradientSums sums,
      GradientSums errors,
      long count) {
    ReferenceKernels.gradientInput(norm, x, dy, gamma, dx.values(), c, moments, sums, count);
    var type = norm.dataType();
    var scale = ReferenceKernels.parameter(type, gamma, c, 1);
    var invStd = moments.invStd(norm.epsilon());
    var means = sums.dividedBy(count);
    var meanErrors = errors.dividedBy(count);
    norm.forEachOf(
        c,
        i -> {
          var xHat = moments.deviation(type.get(x, i)) * invStd;
          dx.allow(i, tolerances.gradient(moments, scale, type.get(dy, i), xHat, means, meanErrors));
        });
  }

  /** Sets the tolerances of a dx that is dy times a factor. */
  void allowScaled(long c) {
    norm.forEachOf(c, i -> dx.allow(i, tolerances.scaledGradient(dx.value(i))));
  }

  /** Compares what was wanted. */
  void compare(MemorySegment actualDx, MemorySegment actualDgamma, MemorySegment actualDbeta) {
    compare(dbeta, actualDbeta);
    compare(dgamma, actualDgamma);
    compare(dx, actualDx);
  }

  private static void compare(Expectation expected, MemorySegment actual) {
    if (actual.address() != 0) {
      expected.compare(actual);
    }
  }
}
