package dev.norma;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;
import static org.assertj.core.data.Offset.offset;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.lang.foreign.Arena;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Statistics of a data set in batches, against exact ones of all its values. */
class PopulationStatisticsTest {
  private static final int SAMPLES = 120;
  private static final int CHANNELS = 3;
  private static final int SPATIAL = 4;

  /** Sizes of batches, of SAMPLES in all. */
  private static final List<int[]> CUTS =
      List.of(new int[] {120}, new int[] {1, 119}, new int[] {64, 7, 48, 1}, ones());

  @AutoClose private final Arena arena = Arena.ofConfined();

  private static int[] ones() {
    var sizes = new int[SAMPLES];
    Arrays.fill(sizes, 1);
    return sizes;
  }

  private Tensor tensor(long... extents) {
    return Tensor.allocate(arena, DataType.FLOAT32, Layout.CHANNELS_FIRST, extents);
  }

  /** Samples that drift, so that the means of batches lie apart; each channel about another mean. */
  private Tensor data(DataType type, Layout layout, double mean, long spatial) {
    var random = Problem.generator(21);
    var all = Tensor.allocate(arena, type, layout, SAMPLES, CHANNELS, spatial);
    for (var n = 0L; n < SAMPLES; n++) {
      for (var c = 0L; c < CHANNELS; c++) {
        for (var s = 0L; s < spatial; s++) {
          all.set(all.index(n, c, s), mean * c + 0.05 * n + random.nextGaussian());
        }
      }
    }
    return all;
  }

  /** Samples follow one another in both layouts. */
  private static Tensor batch(Tensor all, long first, long size) {
    var sample = all.segment().byteSize() / all.batch();
    var segment = all.segment().asSlice(first * sample, size * sample);
    return Tensor.of(segment, all.dataType(), all.layout(), size, all.channels(), all.spatial());
  }

  private static PopulationStatistics collect(BatchNorm layer, Tensor all, int... sizes) {
    var population = layer.populationStatistics();
    var first = 0;
    for (var size : sizes) {
      population.add(batch(all, first, size));
      first += size;
    }
    return population;
  }

  /**
   * Mean and biased variance of a channel.
   *
   * @param mean to 40 digits
   * @param variance to 40 digits
   */
  private record Exact(BigDecimal mean, BigDecimal variance) {
    static Exact of(Tensor all, long c) {
      var digits = new MathContext(40);
      var values =
          Stream.iterate(0L, i -> i < all.batch() * all.spatial(), i -> i + 1)
              .map(i -> new BigDecimal(all.get(all.index(i / all.spatial(), c, i % all.spatial()))))
              .toList();
      var count = BigDecimal.valueOf(values.size());
      var mean = values.stream().reduce(BigDecimal.ZERO, BigDecimal::add).divide(count, digits);
      var squares = values.stream().map(x -> x.subtract(mean).pow(2)).reduce(BigDecimal.ZERO, BigDecimal::add);
      return new Exact(mean, squares.divide(count, digits));
    }

    Moments moments() {
      return new Moments(mean.doubleValue(), 0, variance.doubleValue());
    }
  }

  static Stream<Arguments> kinds() {
    return Stream.of(Kernels.nativeKernels(), Kernels.reference(), Kernels.checked())
        .flatMap(
            kernels ->
                Stream.of(DataType.values())
                    .flatMap(
                        type -> Stream.of(Layout.values()).map(layout -> arguments(kernels, type, layout))));
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void theyAreThoseOfAllValues(Kernels kernels, DataType type, Layout layout) {
    for (var spatial : new long[] {1, SPATIAL}) {
      for (var mean : new double[] {0, 1e3}) {
        var all = data(type, layout, mean, spatial);
        for (var unbiased : new boolean[] {false, true}) {
          for (var sizes : CUTS) {
            try (var layer =
                BatchNorm.builder(CHANNELS).dataType(type).kernels(kernels).unbiasedVariance(unbiased).build()) {
              collect(layer, all, sizes).store();
              requireExact(layer, all, sizes.length, unbiased);
              assertThat(layer.batches()).isEqualTo(sizes.length);
            }
          }
        }
      }
    }
  }

  /**
   * Let e and f be the errors that {@link Tolerances} gives to the mean and the variance of a batch with the moments of
   * the whole, and v = 2^-53.
   *
   * <p>The errors of the batches' means are in proportion to their own deviations s_b, and the weighted mean of those
   * is no larger than that of the whole, s: merged, e at most. The mean of the batches' variances s_b^2 is off by f.
   * The means' errors move the squares of their distances d_b by 2 d_b e_b, of which the mean is at most
   * 2 e / s sqrt(mean of d_b^2 * mean of s_b^2), and as these two add up to s^2, at most e s, which is below f.
   *
   * <p>Each merge rounds the mean by v |mean|, and moves it, with a few roundings of a distance; so means are off by
   * g = 2 B v (|mean| + s) more after B batches, and the variance by 2 s g + g^2, and by 8 roundings in each merge.
   * What is stored is rounded to the type of the parameters.
   */
  private static void requireExact(BatchNorm layer, Tensor all, int batches, boolean unbiased) {
    var type = layer.dataType().parameterType();
    var tolerances = new Tolerances(layer.dataType(), 0);
    var count = (double) (all.batch() * all.spatial());
    var correction = unbiased ? count / (count - 1) : 1;
    for (var c = 0L; c < CHANNELS; c++) {
      var exact = Exact.of(all, c).moments();
      var s = Math.sqrt(exact.variance());
      var g = 2 * batches * 0x1p-53 * (Math.abs(exact.mean()) + s);
      var mean = tolerances.mean(exact) + g;
      var variance = 2 * tolerances.variance(exact) + 2 * s * g + g * g + 8 * batches * 0x1p-53 * exact.variance();
      assertThat(type.get(layer.runningMean(), c))
          .isCloseTo(exact.mean(), offset(mean + type.ulp(exact.mean())));
      assertThat(type.get(layer.runningVar(), c))
          .isCloseTo(exact.variance() * correction, offset(correction * variance + type.ulp(exact.variance())));
    }
  }

  /** Of 1, 3 and 5, 7: mean 4, variance 5; the variances of both batches are 1. */
  @Test
  void theyAreNotTheMeanOfTheBatches() {
    try (var layer = BatchNorm.builder(1).build()) {
      var population = layer.populationStatistics();
      population.add(tensor(2, 1).copyFrom(1f, 3f));
      population.add(tensor(2, 1).copyFrom(5f, 7f));
      population.store();
      assertThat(layer.runningMean().get(JAVA_FLOAT, 0)).isEqualTo(4);
      assertThat(layer.runningVar().get(JAVA_FLOAT, 0)).isEqualTo(5);
      var y = tensor(1, 1).copyFrom(4f);
      layer.infer(y, y);
      assertThat(y.get(0)).isZero();
    }
  }

  @Test
  void unbiasedIsWhatTheLayersRuleSays() {
    try (var layer = BatchNorm.builder(1).pytorch().build()) {
      var population = layer.populationStatistics();
      for (var x : new float[] {1, 3, 5, 7}) {
        population.add(tensor(1, 1).copyFrom(x));
      }
      population.store();
      assertThat(layer.runningVar().get(JAVA_FLOAT, 0)).isEqualTo(20f / 3);
    }
  }

  /** A second pass over the same data has the same mean and biased variance; here all is exact. */
  @Test
  void severalPasses() {
    try (var layer = BatchNorm.builder(1).build()) {
      var population = layer.populationStatistics();
      for (var pass = 0; pass < 4; pass++) {
        population.add(tensor(2, 1).copyFrom(1f, 3f));
        population.add(tensor(1, 1, 2).copyFrom(5f, 7f));
        population.store();
        assertThat(layer.runningMean().get(JAVA_FLOAT, 0)).isEqualTo(4);
        assertThat(layer.runningVar().get(JAVA_FLOAT, 0)).isEqualTo(5);
        assertThat(layer.batches()).isEqualTo(2 * pass + 2);
      }
    }
  }

  @Test
  void theLayerStaysAsItIsUntilTheyAreStored() {
    try (var layer = BatchNorm.builder(2).build()) {
      layer.forward(tensor(2, 2).copyFrom(1f, 2f, 3f, 5f), tensor(2, 2));
      var before = contents(layer);
      var x = tensor(3, 2).copyFrom(9f, 8f, 7f, 6f, 5f, 4f);
      var population = layer.populationStatistics();
      population.add(x);
      assertThat(contents(layer)).isEqualTo(before);
      assertThat(x.toFloats()).containsExactly(9, 8, 7, 6, 5, 4);
      population.store();
      assertThat(layer.runningMean().toArray(JAVA_FLOAT)).containsExactly(7, 6);
      assertThat(layer.gamma().toArray(JAVA_FLOAT)).containsExactly(1, 1);
      layer.backward(tensor(2, 2).copyFrom(1f, 2f, 3f, 5f), tensor(2, 2), tensor(2, 2));
    }
  }

  private static List<String> contents(BatchNorm layer) {
    var segments =
        Stream.of(
            layer.gamma(),
            layer.beta(),
            layer.runningMean(),
            layer.runningVar(),
            layer.batchMean(),
            layer.batchVariance());
    return Stream.concat(
            segments.map(segment -> Arrays.toString(segment.toArray(JAVA_BYTE))),
            Stream.of(layer.batches() + " " + layer.refused()))
        .toList();
  }

  /** The running averages go on from the population's: with two batches behind it, the third has weight 1 / 3. */
  @Test
  void trainingGoesOnFromThem() {
    try (var layer = BatchNorm.builder(1).cumulativeAverage().build()) {
      layer.forward(tensor(2, 1).copyFrom(100f, 300f), tensor(2, 1));
      var population = layer.populationStatistics();
      population.add(tensor(2, 1).copyFrom(1f, 3f));
      population.add(tensor(2, 1).copyFrom(5f, 7f));
      population.store();
      layer.forward(tensor(2, 1).copyFrom(9f, 11f), tensor(2, 1));
      assertThat(layer.runningMean().get(JAVA_FLOAT, 0)).isEqualTo(6);
      assertThat(layer.batches()).isEqualTo(3);
    }
  }

  /** As if the bad batches had not been there, but for the count. */
  @ParameterizedTest
  @EnumSource
  void whatTheRuleRefusesIsLeftOut(DataType type) {
    var all = data(type, Layout.CHANNELS_LAST, 1, SPATIAL);
    for (var bad : new double[] {Double.NaN, Double.POSITIVE_INFINITY}) {
      for (var kernels : List.of(Kernels.nativeKernels(), Kernels.checked())) {
        try (var layer = builder(type, kernels).refuseNonFinite(true).build();
            var clean = builder(type, kernels).build()) {
          collect(clean, all, 60, 60).store();
          var spoiled = Tensor.allocate(arena, type, Layout.CHANNELS_FIRST, 2, CHANNELS);
          spoiled.set(4, bad);
          var population = layer.populationStatistics();
          population.add(spoiled);
          population.add(batch(all, 0, 60));
          population.add(spoiled);
          population.add(batch(all, 60, 60));
          assertThat(layer.refused()).isZero();
          population.store();
          population.store();
          assertThat(layer.refused()).isEqualTo(2);
          assertThat(layer.batches()).isEqualTo(2);
          assertThat(layer.runningMean().mismatch(clean.runningMean())).isEqualTo(-1);
          assertThat(layer.runningVar().mismatch(clean.runningVar())).isEqualTo(-1);
        }
      }
    }
  }

  private static BatchNorm.Builder builder(DataType type, Kernels kernels) {
    return BatchNorm.builder(CHANNELS).dataType(type).kernels(kernels);
  }

  @ParameterizedTest
  @EnumSource
  void whatIsNotFiniteStaysInItsChannel(DataType type) {
    for (var bad : new double[] {Double.NaN, Double.NEGATIVE_INFINITY}) {
      try (var layer = builder(type, Kernels.checked()).build()) {
        var spoiled = Tensor.allocate(arena, type, Layout.CHANNELS_FIRST, 2, CHANNELS);
        spoiled.set(1, bad);
        var population = layer.populationStatistics();
        for (var batch = 0; batch < 3; batch++) {
          population.add(spoiled);
        }
        population.store();
        for (var c = 0L; c < CHANNELS; c++) {
          var mean = type.parameterType().get(layer.runningMean(), c);
          var variance = type.parameterType().get(layer.runningVar(), c);
          assertThat(Double.isFinite(mean) && Double.isFinite(variance)).as("channel %d", c).isEqualTo(c != 1);
        }
        assertThat(layer.refused()).isZero();
        assertThat(layer.batches()).isEqualTo(3);
      }
    }
  }

  /** A variance beyond float is infinite as a parameter, and finite again once many small values are with it. */
  @Test
  void whatIsTooLargeForAParameter() {
    for (var refuse : new boolean[] {false, true}) {
      try (var layer = BatchNorm.builder(1).kernels(Kernels.checked()).refuseNonFinite(refuse).build()) {
        var population = layer.populationStatistics();
        population.add(tensor(2, 1).copyFrom(2e19f, -2e19f));
        population.add(tensor(6, 1));
        population.store();
        assertThat(layer.refused()).isEqualTo(refuse ? 1 : 0);
        assertThat(layer.runningVar().get(JAVA_FLOAT, 0)).isEqualTo(refuse ? 0 : 1e38f, offset(1e32f));
      }
    }
  }

  @Test
  void aVarianceNeedsTwoValues() {
    try (var layer = BatchNorm.builder(2).unbiasedVariance(true).refuseNonFinite(true).build()) {
      var population = layer.populationStatistics();
      requireTooFew(population, "not 0, which have no variance: add more (refused batches: 0)");
      population.add(tensor(1, 2).copyFrom(Float.NaN, 1f));
      requireTooFew(population, "not 0, which have no variance: add more (refused batches: 1)");
      population.add(tensor(1, 2).copyFrom(1f, 2f));
      requireTooFew(population, "not 1, which have no variance: add more (refused batches: 1)");
      assertThat(layer.refused()).isZero();
      assertThat(layer.runningVar().toArray(JAVA_FLOAT)).containsExactly(1, 1);
      population.add(tensor(1, 2).copyFrom(3f, 2f));
      population.store();
      assertThat(layer.runningMean().toArray(JAVA_FLOAT)).containsExactly(2, 2);
      assertThat(layer.runningVar().toArray(JAVA_FLOAT)).containsExactly(2, 0);
    }
  }

  private static void requireTooFew(PopulationStatistics population, String message) {
    assertThatIllegalStateException()
        .isThrownBy(population::store)
        .withMessage("store needs at least two values per channel, " + message);
  }

  /** What is refused has changed nothing: the next batch is the second. */
  @Test
  void mistakesAreRefused() {
    try (var layer = BatchNorm.builder(1).build()) {
      var population = layer.populationStatistics();
      population.add(tensor(2, 1).copyFrom(1f, 3f));
      var two = tensor(2, 2);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> population.add(two))
          .withMessage("x is " + two + ", but the layer has 1 channels of FLOAT32");
      assertThatNullPointerException().isThrownBy(() -> population.add(null)).withMessage("x");
      var closed = Arena.ofConfined();
      var bad = Tensor.of(closed.allocate(8, 8), DataType.FLOAT32, Layout.CHANNELS_FIRST, 2, 1);
      closed.close();
      assertThatIllegalStateException().isThrownBy(() -> population.add(bad)).withMessage("the arena of x is closed");
      population.add(tensor(2, 1).copyFrom(5f, 7f));
      population.store();
      assertThat(layer.runningVar().get(JAVA_FLOAT, 0)).isEqualTo(5);
      assertThat(layer.batches()).isEqualTo(2);
    }
  }

  /** Two collections of one layer do not know of each other. */
  @Test
  void eachHasItsOwnMemory() {
    try (var layer = BatchNorm.builder(1).build()) {
      var one = layer.populationStatistics();
      var other = layer.populationStatistics();
      one.add(tensor(2, 1).copyFrom(1f, 3f));
      other.add(tensor(2, 1).copyFrom(5f, 7f));
      one.store();
      assertThat(layer.runningMean().get(JAVA_FLOAT, 0)).isEqualTo(2);
      other.store();
      assertThat(layer.runningMean().get(JAVA_FLOAT, 0)).isEqualTo(6);
    }
  }

  @Test
  void readOnlyDataWillDo() {
    try (var layer = BatchNorm.builder(1).build()) {
      var values = tensor(2, 1).copyFrom(1f, 3f).segment().asReadOnly();
      var population = layer.populationStatistics();
      population.add(Tensor.of(values, DataType.FLOAT32, Layout.CHANNELS_FIRST, 2, 1));
      population.store();
      assertThat(layer.runningMean().get(JAVA_FLOAT, 0)).isEqualTo(2);
    }
  }
}
