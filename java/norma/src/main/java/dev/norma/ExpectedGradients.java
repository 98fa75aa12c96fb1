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
    var parameterType = norm.dataType().parameterType();
    this.dgamma = Expectation.ofArray(arena, operation, "dgamma", norm.channels(), parameterType);
    this.dbeta = Expectation.ofArray(arena, operation, "dbeta", norm.channels(), parameterType);
  }

  /** Sets the reference's gradients of the parameters. */
  void expectSums(MemorySegment x, MemorySegment dy, long c, Moments moments) {
    expectSums(x, dy, c, moments, errors(x, dy, c, moments), new GradientSums(0, 0));
  }

  /** Sets them for what ReLU lets through, with the terms that may be in the sums, rounded like the others, or not. */
  void expectSums(MemorySegment x, PassedGradient passed, long c, Moments moments) {
    var terms = GradientSums.ofMagnitudes(norm, x, passed.undecided(), c, moments);
    var sizes = new GradientSums(orInfinity(terms.dy()), orInfinity(terms.dyXHat()));
    expectSums(x, passed.least(), c, moments, errors(x, passed.most(), c, moments), sizes);
  }

  private void expectSums(
      MemorySegment x, MemorySegment dy, long c, Moments moments, GradientSums errors, GradientSums undecided) {
    ReferenceBatchNorm.store(norm, dgamma.values(), dbeta.values(), c, GradientSums.of(norm, x, dy, c, moments));
    allow(dbeta, c, errors.dy(), undecided.dy());
    allow(dgamma, c, errors.dyXHat(), undecided.dyXHat());
  }

  private void allow(Expectation sums, long c, double error, double undecided) {
    var most = Math.abs(sums.value(c)) + undecided;
    sums.allow(c, Double.isInfinite(undecided) ? undecided : error + undecided + tolerances.parameter(most));
  }

  /** A sum with a term that is NaN may be any number without it. */
  private static double orInfinity(double size) {
    return Double.isNaN(size) ? Double.POSITIVE_INFINITY : size;
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
    var type = norm.dataType().parameterType();
    var given = new GradientSums(type.get(actualDbeta, c), type.get(actualDgamma, c));
    if (given.isFinite()) {
      var errors = new GradientSums(tolerances.parameter(given.dy()), tolerances.parameter(given.dyXHat()));
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
    ReferenceBatchNorm.gradientInput(norm, x, dy, gamma, dx.values(), c, moments, sums, count);
    var type = norm.dataType();
    var scale = NormalizedChannel.parameter(norm, gamma, c, 1);
    var invStd = moments.invStd(norm.epsilon());
    var means = sums.dividedBy(count);
    var meanErrors = errors.dividedBy(count);
    norm.forEachOf(
        c,
        i -> {
          var xHat = moments.deviation(type.get(x, i)) * invStd;
          var error = tolerances.gradient(moments, scale, type.get(dy, i), xHat, means, meanErrors);
          dx.allow(i, tolerances.stored(error, dx.value(i)));
        });
  }

  /** Sets the reference's dx where the statistics are constants: dy times a factor. */
  void expectScaled(MemorySegment dy, MemorySegment gamma, long c, Moments moments) {
    ReferenceBatchNorm.scaleGradient(norm, dy, gamma, dx.values(), c, moments);
    var factor = NormalizedChannel.parameter(norm, gamma, c, 1) * moments.invStd(norm.epsilon());
    norm.forEachOf(
        c,
        i -> {
          var exact = factor * norm.dataType().get(dy, i);
          dx.allow(i, tolerances.stored(tolerances.scaledGradient(exact), exact));
        });
  }

  /** Takes the dx of other expectations where what was found meets only that one. */
  void orElse(ExpectedGradients other, MemorySegment actualDx) {
    if (actualDx.address() != 0) {
      dx.orElse(other.dx, actualDx);
    }
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
