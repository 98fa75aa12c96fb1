package dev.norma.djl;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.Model;
import java.util.Map;
import java.util.Random;
import java.util.function.DoubleUnaryOperator;
import java.util.stream.DoubleStream;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Whole trainings against the engine's own layers: all parameters and running statistics at their end. In FLOAT32, as
 * Deep Java Library's trainer does not step in FLOAT64.
 */
class TrainingComparisonTest {
  /** Of one value in one pass; see {@link RoundingBounds}. */
  private static final int ROUNDINGS = 15;

  /**
   * Training amplifies rounding errors by a factor that depends on the network and its data. It is measured: the
   * engine's own network is trained again from weights that are one rounding off, which moves its end by some
   * distance. Norma's layers round differently {@link #ROUNDINGS} times in each of the steps. Independent errors add
   * up like the square root of their number, so the distance of Norma's end may be larger by the root of the number of
   * all roundings.
   */
  @ParameterizedTest
  @EnumSource
  void endsWithTheSameParameters(Nets net) {
    requireMoved(requireSameEnd(net, Training.NORMA, Training.ENGINE));
  }

  static Stream<Arguments> netsOfNorms() {
    return Stream.of(Norm.values()).flatMap(norm -> norm.nets().map(net -> Arguments.of(norm, net)));
  }

  /** The same for normalizations of samples. */
  @ParameterizedTest
  @MethodSource("netsOfNorms")
  void endsWithTheSameParameters(Norm norm, Nets net) {
    requireSomeMoved(
        requireSameEnd(
            net,
            new Training.Layers(nets -> nets.block(norm::norma), NormaTrainer::of),
            new Training.Layers(nets -> nets.block(norm::engine), Model::newTrainer)));
  }

  /** Gives where Norma's training ends. */
  private static Map<String, double[]> requireSameEnd(Nets net, Training.Layers normas, Training.Layers engines) {
    Map<String, double[]> norma = Training.run(net, normas, DoubleUnaryOperator.identity());
    Map<String, double[]> engine = Training.run(net, engines, DoubleUnaryOperator.identity());
    Map<String, double[]> moved = Training.run(net, engines, oneRoundingOff());

    assertThat(norma).hasSameSizeAs(engine).containsOnlyKeys(engine.keySet());
    double amplified = distance(moved, engine);
    assertThat(amplified).isPositive();
    assertThat(distance(norma, engine)).isLessThan(amplified * Math.sqrt(ROUNDINGS * Training.STEPS));
    return norma;
  }

  /** Gradients reach every layer: nothing stays where it started. */
  private static void requireMoved(Map<String, double[]> end) {
    end.forEach(
        (name, values) -> {
          if (name.endsWith("gamma") || name.endsWith("runningVar")) {
            assertThat(values).as(name).doesNotContain(1);
          }
        });
  }

  /** A parameter of one element has no gradient where ReLU lets nothing pass; one of each layer at least has. */
  private static void requireSomeMoved(Map<String, double[]> end) {
    end.forEach(
        (name, values) -> {
          if (name.endsWith("gamma")) {
            assertThat(DoubleStream.of(values)).as(name).anyMatch(value -> value != 1);
          }
        });
  }

  private static DoubleUnaryOperator oneRoundingOff() {
    var random = new Random(3);
    return weight -> random.nextBoolean() ? Math.nextUp((float) weight) : Math.nextDown((float) weight);
  }

  /** The largest difference, relative to the largest value of its array where that is above 1. */
  private static double distance(Map<String, double[]> left, Map<String, double[]> right) {
    return left.keySet().stream()
        .mapToDouble(name -> distance(left.get(name), right.get(name)))
        .max()
        .orElseThrow();
  }

  private static double distance(double[] left, double[] right) {
    double largest = 1;
    double distance = 0;
    for (int i = 0; i < left.length; i++) {
      largest = Math.max(largest, Math.abs(left[i]));
      distance = Math.max(distance, Math.abs(left[i] - right[i]));
    }
    return distance / largest;
  }
}
