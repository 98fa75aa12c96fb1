package dev.norma;

import static java.lang.foreign.ValueLayout.JAVA_DOUBLE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Offset.offset;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.lang.foreign.Arena;
import java.util.function.LongToDoubleFunction;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Values at which other libraries lose their digits, through a layer as the user has it. */
class HostileDataTest {
  private static final long BATCH = 4;
  private static final long SPATIAL = 37;

  static Stream<Arguments> kinds() {
    return Stream.of(DataType.values())
        .flatMap(type -> Stream.of(Layout.values()).map(layout -> arguments(type, layout)));
  }

  /** A layer of three channels and its tensors. */
  private static final class Fixture implements AutoCloseable {
    final Arena arena = Arena.ofConfined();
    final BatchNorm layer;
    final Tensor x;
    final Tensor y;

    Fixture(DataType type, Layout layout, double epsilon) {
      layer = BatchNorm.builder(3).dataType(type).epsilon(epsilon).refuseNonFinite(true).build();
      x = Tensor.allocate(arena, type, layout, BATCH, 3, SPATIAL);
      y = Tensor.allocate(arena, type, layout, BATCH, 3, SPATIAL);
    }

    /** Fills a channel; i counts its values. */
    Fixture fill(long c, LongToDoubleFunction values) {
      for (var i = 0L; i < BATCH * SPATIAL; i++) {
        x.set(x.index(i / SPATIAL, c, i % SPATIAL), values.applyAsDouble(i));
      }
      return this;
    }

    Fixture fillAll(LongToDoubleFunction values) {
      return fill(0, values).fill(1, values).fill(2, values);
    }

    double[] forward(long c) {
      layer.forward(x, y);
      var found = new double[(int) (BATCH * SPATIAL)];
      for (var i = 0; i < found.length; i++) {
        found[i] = y.get(y.index(i / SPATIAL, c, i % SPATIAL));
      }
      return found;
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
   * In roundoffs: at most 150 of the variance for the squares of 148 values, of one sign; these make 75 of its root,
   * and the last steps add 8. Then come the roundings to 16 bits, of x and of y.
   */
  private static void requireSigns(DataType type, double size, double[] found) {
    var real = type.parameterType();
    var tolerance = 83 * real.epsilon() / 2 * size + (type == real ? 0 : type.ulp(size) / 2);
    for (var i = 0; i < found.length; i++) {
      assertThat(found[i]).isBetween(sign(i) * size - tolerance, sign(i) * size + tolerance);
    }
  }

  @ParameterizedTest
  @ValueSource(doubles = {0, 0.1, -7, 1e7, 1e-40, 1e30, 3.4e38, -3.4e38, 1.4e-45})
  void aConstantChannelGivesExactlyBeta(double constant) {
    for (var type : DataType.values()) {
      for (var layout : Layout.values()) {
        for (var epsilon : new double[] {0, 1e-5}) {
          if (Double.isInfinite(type.round(constant))) {
            continue;
          }
          try (var fixture = new Fixture(type, layout, epsilon)) {
            type.parameterType().set(fixture.layer.beta(), 1, 0.3);
            type.parameterType().set(fixture.layer.gamma(), 1, 1e10);
            fixture.fillAll(i -> constant);
            assertThat(fixture.forward(1)).containsOnly(type.round(type.parameterType().round(0.3)));
            assertThat(fixture.layer.batchMean().getAtIndex(JAVA_DOUBLE, 1)).isEqualTo(type.round(constant));
            assertThat(fixture.layer.batchVariance().getAtIndex(JAVA_DOUBLE, 1)).isZero();
          }
        }
      }
    }
  }

  /** m + 1 and m - 1 in turn: mean m, variance 1, exact up to 2^24. */
  @ParameterizedTest
  @ValueSource(doubles = {1e4, 1e5, 1e6, 1e7, -1e7})
  void aMeanFarFromZeroCostsNoDigits(double mean) {
    for (var layout : Layout.values()) {
      try (var fixture = new Fixture(DataType.FLOAT32, layout, 1e-5)) {
        fixture.fillAll(i -> mean + sign(i));
        requireSigns(DataType.FLOAT32, 1 / Math.sqrt(1 + 1e-5), fixture.forward(2));
        assertThat(fixture.layer.batchMean().getAtIndex(JAVA_DOUBLE, 2)).isEqualTo(mean);
        assertThat(fixture.layer.batchVariance().getAtIndex(JAVA_DOUBLE, 2)).isEqualTo(1);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void subnormalsAreNormalized(DataType type, Layout layout) {
    // A multiple of the smallest subnormal; beyond 1e-154 the squares of doubles are gone.
    var tiny = type == DataType.FLOAT64 ? 1e-150 : 5 * type.ulp(0);
    try (var fixture = new Fixture(type, layout, 0)) {
      fixture.fillAll(i -> sign(i) * tiny);
      requireSigns(type, 1, fixture.forward(0));
    }
  }

  @ParameterizedTest
  @CsvSource({
    "FLOAT32, 1e30", "FLOAT32, 3.4e38", "FLOAT32, 1e18", "FLOAT64, 1e30", "FLOAT64, 1e153", "BFLOAT16, 1e30",
    "BFLOAT16, 3.38e38", "FLOAT16, 1e4", "FLOAT16, 65504"
  })
  void hugeValuesAreNormalized(DataType type, double huge) {
    for (var layout : Layout.values()) {
      try (var fixture = new Fixture(type, layout, 1e-5)) {
        fixture.fillAll(i -> sign(i) * huge);
        requireSigns(type, 1, fixture.forward(0));
        assertThat(fixture.layer.batchVariance().getAtIndex(JAVA_DOUBLE, 0) / Math.pow(type.round(huge), 2))
            .isCloseTo(1, offset(150 * type.parameterType().epsilon() / 2));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void aLargeEpsilonIsPartOfTheFormula(DataType type, Layout layout) {
    var large = type == DataType.FLOAT16 ? 0x1p10 : 0x1p33;
    try (var fixture = new Fixture(type, layout, 3 * large * large)) {
      fixture.fillAll(i -> sign(i) * large);
      requireSigns(type, 0.5, fixture.forward(0));
    }
  }

  @ParameterizedTest
  @ValueSource(doubles = {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY})
  void nanAndInfinityStayInTheirChannel(double bad) {
    for (var type : DataType.values()) {
      for (var layout : Layout.values()) {
        try (var clean = new Fixture(type, layout, 1e-5);
            var fixture = new Fixture(type, layout, 1e-5)) {
          clean.fillAll(i -> 0.37 * i);
          fixture.fillAll(i -> 0.37 * i).fill(1, i -> i == 101 ? bad : 0.37 * i);
          assertThat(fixture.forward(1)).containsOnly(Double.NaN);
          assertThat(fixture.forward(0)).isEqualTo(clean.forward(0));
          assertThat(fixture.forward(2)).isEqualTo(clean.forward(2));
          requireGradients(fixture, clean);
        }
      }
    }
  }

  private static void requireGradients(Fixture fixture, Fixture clean) {
    clean.layer.backward(clean.x, clean.x, clean.y);
    fixture.layer.backward(fixture.x, clean.x, fixture.y);
    for (var i = 0L; i < BATCH * SPATIAL; i++) {
      for (var c : new long[] {0, 2}) {
        var at = clean.y.index(i / SPATIAL, c, i % SPATIAL);
        assertThat(fixture.y.get(at)).isEqualTo(clean.y.get(at));
      }
      assertThat(fixture.y.get(clean.y.index(i / SPATIAL, 1, i % SPATIAL))).isNaN();
    }
  }

  @Test
  void aNonFiniteBatchIsRefusedAndCounted() {
    try (var fixture = new Fixture(DataType.FLOAT32, Layout.CHANNELS_FIRST, 1e-5)) {
      fixture.fillAll(i -> i).forward(0);
      var mean = fixture.layer.runningMean().toArray(JAVA_FLOAT);
      fixture.fill(2, i -> i == 0 ? Double.POSITIVE_INFINITY : i).forward(0);
      assertThat(fixture.layer.refused()).isEqualTo(1);
      assertThat(fixture.layer.batches()).isEqualTo(1);
      assertThat(fixture.layer.runningMean().toArray(JAVA_FLOAT)).isEqualTo(mean);
      fixture.fillAll(i -> i).forward(0);
      assertThat(fixture.layer.refused()).isEqualTo(1);
      assertThat(fixture.layer.batches()).isEqualTo(2);
    }
  }

  /** The variance of the batch is finite, but no float. */
  @Test
  void aBatchThatOverflowsTheRunningVarianceIsRefused() {
    try (var fixture = new Fixture(DataType.FLOAT32, Layout.CHANNELS_FIRST, 1e-5)) {
      fixture.fillAll(i -> sign(i) * 1e30).forward(0);
      assertThat(fixture.layer.refused()).isEqualTo(1);
      assertThat(fixture.layer.batches()).isZero();
    }
  }
}
