package dev.norma;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.lang.foreign.Arena;
import java.util.function.LongToDoubleFunction;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Values at which other libraries lose their digits, through layers of slices as the user has them. */
class SliceHostileDataTest {
  private static final long BATCH = 4;

  static Stream<Arguments> kinds() {
    return Stream.of(SliceLayers.values())
        .flatMap(kind -> Stream.of(DataType.values()).map(type -> arguments(kind, type)));
  }

  /** A layer and its tensors; slices follow each other in memory. */
  private static final class Fixture implements AutoCloseable {
    final Arena arena = Arena.ofConfined();
    final SliceLayers kind;
    final DataType type;
    final SliceLayer<?> layer;
    final Tensor x;
    final Tensor y;

    Fixture(SliceLayers kind, DataType type, double epsilon) {
      this.kind = kind;
      this.type = type;
      layer = kind.build(Kernels.nativeKernels(), type, epsilon, true);
      x = kind.tensor(arena, type, BATCH);
      y = kind.tensor(arena, type, BATCH);
    }

    int slice() {
      return (int) (x.size() / BATCH / kind.slicesOfSample());
    }

    Fixture fill(LongToDoubleFunction values) {
      for (var i = 0L; i < x.size(); i++) {
        x.set(i, values.applyAsDouble(i));
      }
      return this;
    }

    double[] forward() {
      layer.forward(x, y);
      return y.toDoubles();
    }

    @Override
    public void close() {
      layer.close();
      arena.close();
    }
  }

  private static double sign(long i) {
    return i % 2 == 0 ? 1 : -1;
  }

  /**
   * In roundoffs: at most 2 for each addition of the slice's squares, of one sign, which is 48, and 8 for the root and
   * the last steps, of which two may be subnormal. Then come the roundings to 16 bits, of x and of y.
   */
  private static void requireSigns(DataType type, double size, double[] found) {
    var real = type.parameterType();
    var tolerance = 56 * real.epsilon() / 2 * size + 2 * real.ulp(0) + (type == real ? 0 : type.ulp(size) / 2);
    for (var i = 0; i < found.length; i++) {
      assertThat(found[i]).isBetween(sign(i) * size - tolerance, sign(i) * size + tolerance);
    }
  }

  /** A constant slice is beta where a mean is taken off; else it is divided by its size, if epsilon is small. */
  @ParameterizedTest
  @MethodSource("kinds")
  void constantSlices(SliceLayers kind, DataType type) {
    for (var constant : new double[] {0, 0.1, -7, 1e6, 1e-40, 1e30, 3.4e38, 1.4e-45}) {
      for (var epsilon : new double[] {0, 1e-5}) {
        if (Double.isInfinite(type.round(constant))) {
          continue;
        }
        try (var fixture = new Fixture(kind, type, epsilon).fill(i -> constant)) {
          if (kind == SliceLayers.RMS) {
            var square = Math.pow(type.round(constant), 2);
            var size = square + epsilon == 0 ? 0 : Math.sqrt(square / (square + epsilon));
            assertThat(fixture.forward()).containsOnly(fixture.y.get(0));
            requireSigns(type, size, new double[] {Math.abs(fixture.y.get(0))});
          } else {
            type.parameterType().set(kind.beta(fixture.layer), 1, 0.3);
            type.parameterType().set(fixture.layer.gamma(), 1, 1e10);
            var beta = type.round(type.parameterType().round(0.3));
            assertThat(fixture.forward()).contains(beta).containsOnly(0, beta);
          }
        }
      }
    }
  }

  /** m + 1 and m - 1 in turn: mean m, variance 1, exact up to 2^24. */
  @ParameterizedTest
  @MethodSource("kinds")
  void largeMeansCostNoDigits(SliceLayers kind, DataType type) {
    for (var mean : new double[] {100, 1e4, 1e6, 1e7, -1e7}) {
      if (kind != SliceLayers.RMS && type.round(mean + 1) == mean + 1 && type.round(mean - 1) == mean - 1) {
        try (var fixture = new Fixture(kind, type, 0).fill(i -> mean + sign(i))) {
          requireSigns(type, 1, fixture.forward());
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void hugeAndTinyValuesAreNormalized(SliceLayers kind, DataType type) {
    // Multiples of the smallest subnormal; beyond 1e-154 the squares of doubles are gone.
    var tiny = type == DataType.FLOAT64 ? 1e-150 : 5 * type.ulp(0);
    var huge = type == DataType.FLOAT64 ? 1e153 : type.largest();
    for (var size : new double[] {tiny, 1, 1e4, huge}) {
      try (var fixture = new Fixture(kind, type, 0).fill(i -> sign(i) * size)) {
        requireSigns(type, 1, fixture.forward());
      }
    }
  }

  /**
   * Of its slice nothing is left, of all others nothing is changed; so it is with dx. But an infinite mean square makes
   * zeros of all that is finite: that is the formula.
   */
  @ParameterizedTest
  @MethodSource("kinds")
  void nanAndInfinityStayInTheirSlice(SliceLayers kind, DataType type) {
    for (var bad : new double[] {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY}) {
      try (var clean = new Fixture(kind, type, 1e-5).fill(i -> 0.37 * i);
          var fixture = new Fixture(kind, type, 1e-5)) {
        var spoiled = fixture.slice();
        fixture.fill(i -> i == spoiled + 1 ? bad : 0.37 * i);
        var rest = kind == SliceLayers.RMS && Double.isInfinite(bad) ? 0 : Double.NaN;
        requireSpoiled(rest, spoiled, fixture.forward(), clean.forward());
        clean.layer.backward(clean.x, clean.x, clean.y);
        fixture.layer.backward(fixture.x, clean.x, fixture.y);
        requireSpoiled(Double.NaN, spoiled, fixture.y.toDoubles(), clean.y.toDoubles());
      }
    }
  }

  private static void requireSpoiled(double rest, int slice, double[] found, double[] clean) {
    for (var i = 0; i < found.length; i++) {
      double expected = i == slice + 1 ? Double.NaN : i / slice == 1 ? rest : clean[i];
      assertThat(found[i]).isEqualTo(Double.valueOf(expected));
    }
  }
}
