package dev.norma.benchmarks.vector;

import static org.assertj.core.api.Assertions.assertThat;

import dev.norma.BatchNormDescriptor;
import dev.norma.DataType;
import dev.norma.Layout;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Against the formulas in double, in {@link Formulas}. */
class VectorBatchNormTest {
  /**
   * In units in the last place of the largest term. At most 512 values are added up one after the other before doubles
   * take over: some twenty roundings, as they go both ways. The variance weighs them by the square of the range, which
   * is below 12 variances for values that are evenly spread.
   */
  private static final double MOST_ULPS = 128;

  /** Whole vectors, tails, rows shorter than a vector, one sample, one position, one channel, more than one thread. */
  private static final List<int[]> SHAPES = List.of(
      new int[] {2, 1, 1},
      new int[] {1, 1, 2},
      new int[] {1, 3, 5},
      new int[] {2, 5, 3},
      new int[] {7, 16, 1},
      new int[] {9, 33, 1},
      new int[] {3, 17, 15},
      new int[] {3, 2, 16},
      new int[] {5, 4, 17},
      new int[] {4, 3, 49},
      new int[] {6, 7, 196},
      new int[] {2, 3, 10_001},
      new int[] {33, 31, 67},
      new int[] {1_200, 130, 1},
      new int[] {40, 19, 200},
      new int[] {700, 5, 41});

  private static final List<DataType> TYPES = List.of(DataType.FLOAT32, DataType.FLOAT64);

  static Stream<BatchNormDescriptor> norms() {
    return SHAPES.stream().flatMap(shape -> Stream.of(Layout.values()).flatMap(layout -> TYPES.stream()
        .flatMap(type -> IntStream.of(1, 2, 4).mapToObj(threads ->
            new BatchNormDescriptor(shape[0], shape[1], shape[2], Formulas.EPSILON, type, layout, threads)))));
  }

  @ParameterizedTest
  @MethodSource("norms")
  void computesTheFormulas(BatchNormDescriptor norm) {
    try (var problem = new Formulas(norm, 0.3)) {
      compare(problem);
    }
  }

  @ParameterizedTest
  @MethodSource("norms")
  void aMeanFarFromZeroCostsNoDigits(BatchNormDescriptor norm) {
    try (var problem = new Formulas(norm, 1e4)) {
      compare(problem);
    }
  }

  private static void compare(Formulas problem) {
    var most = MOST_ULPS * (problem.norm.dataType() == DataType.FLOAT32 ? Math.ulp(1f) : Math.ulp(1.0));
    try (var layer = VectorBatchNorm.of(problem.norm, Formulas.UPDATE_WEIGHT)) {
      for (var call = 0; call < 2; call++) { // The second finds what the first left behind.
        problem.forwardTraining(layer, most);
        problem.forwardInference(layer, most);
        problem.backwardTraining(layer, most);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("norms")
  void aConstantChannelBecomesBeta(BatchNormDescriptor norm) {
    try (var problem = new Formulas(norm, 0.3);
        var layer = VectorBatchNorm.of(norm, Formulas.UPDATE_WEIGHT)) {
      problem.fill(problem.x, i -> 12_345.678);
      layer.forwardTraining(
          problem.x, problem.gamma, problem.beta, problem.runningMean, problem.runningVar, problem.y);
      for (var c = 0; c < norm.channels(); c++) {
        assertThat(problem.channel(problem.y, c)).containsOnly(problem.get(problem.beta, c));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(doubles = {Double.NaN, Double.POSITIVE_INFINITY})
  void oneValueThatIsNoNumberStaysInItsChannel(double value) {
    for (var layout : Layout.values()) {
      var norm = new BatchNormDescriptor(3, 5, 21, Formulas.EPSILON, DataType.FLOAT32, layout, 1);
      try (var problem = new Formulas(norm, 0.3);
          var layer = VectorBatchNorm.of(norm, Formulas.UPDATE_WEIGHT)) {
        problem.set(problem.x, problem.index(2, 40), value);
        layer.forwardTraining(
            problem.x, problem.gamma, problem.beta, problem.runningMean, problem.runningVar, problem.y);
        for (var c = 0; c < norm.channels(); c++) {
          var finite = Arrays.stream(problem.channel(problem.y, c)).filter(Double::isFinite).count();
          assertThat(finite).isEqualTo(c == 2 ? 0 : norm.valuesPerChannel());
        }
      }
    }
  }

  /** Sums of halves of small integers are exact, so the threads that share them must not matter at all. */
  @Test
  void theNumberOfThreadsDoesNotMatter() {
    for (var layout : Layout.values()) {
      assertThat(exactOutput(layout, 3)).isEqualTo(exactOutput(layout, 1));
    }
  }

  private static double[] exactOutput(Layout layout, int threads) {
    var norm = new BatchNormDescriptor(64, 24, 128, Formulas.EPSILON, DataType.FLOAT32, layout, threads);
    try (var problem = new Formulas(norm, 0);
        var layer = VectorBatchNorm.of(norm, Formulas.UPDATE_WEIGHT)) {
      problem.fill(problem.x, i -> (i * 7 % 16) / 2.0);
      layer.forwardTraining(
          problem.x, problem.gamma, problem.beta, problem.runningMean, problem.runningVar, problem.y);
      return problem.values(problem.y);
    }
  }
}
