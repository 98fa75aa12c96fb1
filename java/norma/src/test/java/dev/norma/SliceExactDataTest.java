package dev.norma;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Data for which every operation is exact in any order, so that results equal the closed form bit by bit.
 *
 * <p>The values of slice k are, in turn, m + a and m - a, with a = 2^(k mod 3) and epsilon 0; m = 3 (k mod 5) - 5 where
 * a mean is taken off, else 0. So invStd = 1 / a, xHat = +1, -1, ... and y = beta +- gamma. With g = gamma * dy = p + q
 * xHat + r, where r = 1, 1, -1, -1 in turn is orthogonal to 1 and to xHat, dx = r / a; without a mean, (p + r) / a.
 * Gamma is a power of two, so that dy is exact as well. Gradients of parameters are sums over the slices of few bits.
 */
class SliceExactDataTest {
  private static final double P = 2;
  private static final double Q = 3;

  static Stream<Arguments> kinds() {
    return Stream.of(Kernels.nativeKernels(), Kernels.reference())
        .flatMap(
            kernels ->
                Stream.of(SliceProblem.Kind.values())
                    .flatMap(
                        kind -> Stream.of(DataType.values()).map(type -> arguments(kernels, kind, type))));
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void closedForms(Kernels kernels, SliceProblem.Kind kind, DataType type) {
    for (var length = 4L; length <= 260; length += 4) {
      for (var rows : new long[] {1, 3, 8}) {
        requireExact(kernels, kind.of(rows, length, 0, type));
      }
    }
    for (var length : new long[] {768, 1020, 1024, 4096, 4100, 20_000}) {
      requireExact(kernels, kind.of(5, length, 0, type));
    }
    for (var rows : new long[] {17, 64, 129, 500}) {
      requireExact(kernels, kind.of(rows, 36, 0, type));
    }
  }

  private static double xHat(long i) {
    return i % 2 == 0 ? 1 : -1;
  }

  private static double orthogonal(long i) {
    return i % 4 < 2 ? 1 : -1;
  }

  private static double g(long i) {
    return P + Q * xHat(i) + orthogonal(i);
  }

  private static double deviation(long slice) {
    return 1 << (slice % 3);
  }

  private static double mean(SliceProblem p, long slice) {
    return p.hasMean ? 3.0 * (slice % 5) - 5 : 0;
  }

  private static double gamma(long parameter) {
    return parameter % 3 == 0 ? 4 : -2;
  }

  private static double beta(SliceProblem p, long parameter) {
    return p.hasBeta ? parameter % 7 - 1.5 : 0;
  }

  /** The element's place in its slice. */
  private static long place(SliceProblem p, long i) {
    return p.placeOf.applyAsLong(i);
  }

  private static void requireExact(Kernels kernels, SliceProblem problem) {
    try (var p = problem) {
      p.fillParameters(p.gamma, SliceExactDataTest::gamma);
      p.fillParameters(p.beta, l -> beta(p, l));
      p.fillTensor(
          p.x,
          i -> mean(p, p.sliceOf.applyAsLong(i)) + xHat(place(p, i)) * deviation(p.sliceOf.applyAsLong(i)));
      p.fillTensor(p.dy, i -> g(place(p, i)) / gamma(p.parameterOf.applyAsLong(i)));
      p.run(kernels);
      var dgamma = new double[(int) p.parameters];
      var dbeta = new double[(int) p.parameters];
      for (var i = 0L; i < p.elements; i++) {
        var parameter = p.parameterOf.applyAsLong(i);
        dgamma[(int) parameter] += g(place(p, i)) / gamma(parameter) * xHat(place(p, i));
        dbeta[(int) parameter] += g(place(p, i)) / gamma(parameter);
        var y = beta(p, parameter) + gamma(parameter) * xHat(place(p, i));
        var dx = (orthogonal(place(p, i)) + (p.hasMean ? 0 : P)) / deviation(p.sliceOf.applyAsLong(i));
        require(p, "y", i, p.value(p.y, i), y);
        require(p, "dx", i, p.value(p.dx, i), dx);
      }
      for (var l = 0; l < p.parameters; l++) {
        require(p, "dgamma", l, p.type.parameterType().get(p.dgamma, l), dgamma[l]);
        require(p, "dbeta", l, p.hasBeta ? p.type.parameterType().get(p.dbeta, l) : dbeta[l], dbeta[l]);
      }
      for (var slice = 0L; slice < p.slices; slice++) {
        assertThat(DataType.FLOAT64.get(p.invStd, slice)).isEqualTo(1 / deviation(slice));
        assertThat(p.hasMean ? DataType.FLOAT64.get(p.mean, slice) : 0).isEqualTo(mean(p, slice));
        if (p.variance.byteSize() > 0) {
          assertThat(DataType.FLOAT64.get(p.variance, slice)).isEqualTo(deviation(slice) * deviation(slice));
        }
      }
    }
  }

  private static void require(SliceProblem problem, String name, long i, double found, double expected) {
    if (found != expected) {
      throw new AssertionError("%s of %s at %d: %s, not %s".formatted(name, problem, i, found, expected));
    }
  }
}
