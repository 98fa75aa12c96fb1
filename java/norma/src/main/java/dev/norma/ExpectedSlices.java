package dev.norma;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** What passes over slices that are normalized by themselves should give, one expectation for each output. */
final class ExpectedSlices {
  private final Arena arena;
  private final String operation;
  private final Slices slices;
  private final Tolerances tolerances;

  ExpectedSlices(Arena arena, String operation, Slices slices) {
    this.arena = arena;
    this.operation = operation;
    this.slices = slices;
    this.tolerances = new Tolerances(slices.type(), slices.epsilon());
  }

  private Expectation statistics(String output) {
    return Expectation.ofList(
        arena, operation, output, slices.count(), DataType.FLOAT64, slices::placeOfSlice);
  }

  private Expectation tensor(String output) {
    return Expectation.ofList(arena, operation, output, slices.elements(), slices.type(), slices::place);
  }

  private Expectation parameters(String output) {
    return Expectation.ofList(
        arena, operation, output, slices.parameters(), slices.type().parameterType(), slices::placeOfParameter);
  }

  /** An output, or scratch in place of one that is not wanted but that others are made from. */
  MemorySegment statisticsOrScratch(MemorySegment output) {
    return output.address() == 0 ? arena.allocate(slices.count() * Double.BYTES, Double.BYTES) : output;
  }

  void compareMean(MemorySegment x, MemorySegment actual) {
    var mean = statistics("mean");
    for (var slice = 0L; slice < slices.count(); slice++) {
      var moments = slices.moments(x, slice);
      mean.set(slice, moments.mean(), tolerances.mean(moments));
    }
    mean.compare(actual);
  }

  /** Compares the variance if it was wanted. */
  void compareVariance(MemorySegment x, MemorySegment actual) {
    if (actual.address() == 0) {
      return;
    }
    var variance = statistics("variance");
    for (var slice = 0L; slice < slices.count(); slice++) {
      var moments = slices.moments(x, slice);
      variance.set(slice, moments.variance(), tolerances.variance(moments));
    }
    variance.compare(actual);
  }

  void compareInvStd(MemorySegment x, MemorySegment actual) {
    var invStd = statistics("invStd");
    for (var slice = 0L; slice < slices.count(); slice++) {
      var moments = slices.moments(x, slice);
      invStd.set(slice, moments.invStd(slices.epsilon()), tolerances.invStd(moments));
    }
    invStd.compare(actual);
  }

  void compareInvRms(MemorySegment x, MemorySegment actual) {
    var invRms = statistics("invRms");
    for (var slice = 0L; slice < slices.count(); slice++) {
      var squares = slices.squares(x, slice);
      invRms.set(slice, squares.invStd(slices.epsilon()), tolerances.invStd(squares));
    }
    invRms.compare(actual);
  }

  /** Compares y with what the statistics give that the native kernels have found. */
  void compareOutput(
      MemorySegment x,
      MemorySegment gamma,
      MemorySegment beta,
      MemorySegment mean,
      MemorySegment invStd,
      MemorySegment actual) {
    var y = tensor("y");
    for (var slice = 0L; slice < slices.count(); slice++) {
      var by = Standardization.given(mean, invStd, slice);
      var normalized = new NormalizedSlice(slices, slice, by, x, gamma, beta);
      normalized.store(y.values());
      slices.forEachOf(slice, i -> y.allow(i, tolerances.stored(normalized.error(i, tolerances), y.value(i))));
    }
    y.compare(actual);
  }

  /** What gradients are expected by the statistics that the forward pass gave, before outputs overwrite inputs. */
  final class Gradients {
    private final SliceGradients exact;
    private final MemorySegment mean;
    private final MemorySegment invStd;
    private final Expectation dx = tensor("dx");
    private final Expectation dgamma = parameters("dgamma");
    private final Expectation dbeta = parameters("dbeta");

    Gradients(SliceGradients exact, MemorySegment mean, MemorySegment invStd) {
      this.exact = exact;
      this.mean = mean;
      this.invStd = invStd;
      exact.store(mean, invStd, dx.values(), dgamma.values(), dbeta.values());
      for (var slice = 0L; slice < slices.count(); slice++) {
        allow(slice);
      }
      for (var i = 0L; i < slices.parameters(); i++) {
        dgamma.allow(i, dgamma.tolerance(i) + tolerances.parameter(dgamma.value(i)));
        dbeta.allow(i, dbeta.tolerance(i) + tolerances.parameter(dbeta.value(i)));
      }
    }

    private void allow(long slice) {
      var by = Standardization.given(mean, invStd, slice);
      var means = exact.means(slice, by);
      var errors = tolerances.sumsOfSlice(by, exact.magnitudes(slice, by), slices.length()).dividedBy(slices.length());
      slices.forEachOf(
          slice,
          i -> {
            var xHat = exact.xHat(by, i);
            var error = tolerances.gradient(by, exact.g(i), xHat, means, errors);
            dx.allow(i, tolerances.stored(error, dx.value(i)));
            allowTerms(slices.parameterOf(i), by, slices.type().get(exact.dy(), i), xHat);
          });
    }

    private void allowTerms(long parameter, Standardization by, double dy, double xHat) {
      dgamma.allow(parameter, dgamma.tolerance(parameter) + tolerances.termOfGamma(by, dy, xHat));
      dbeta.allow(parameter, dbeta.tolerance(parameter) + tolerances.termOfBeta(dy));
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
}
