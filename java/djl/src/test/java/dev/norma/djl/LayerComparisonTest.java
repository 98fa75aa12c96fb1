package dev.norma.djl;

import static dev.norma.djl.RoundingBounds.requireClose;

import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.norm.BatchNorm;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** One layer against the engine's own, for every kind of input. */
class LayerComparisonTest {
  /** Of the initial running variance of 1, one training pass leaves at least as much. */
  private static final float MOMENTUM = 0.7f;

  static Stream<Arguments> inputs() {
    return Stream.of(DataType.FLOAT32, DataType.FLOAT64)
        .flatMap(
            type ->
                Stream.of(
                    Arguments.of(new Shape(16, 5), 1, type),
                    Arguments.of(new Shape(2, 1), 1, type),
                    Arguments.of(new Shape(1, 4, 9), 1, type),
                    Arguments.of(new Shape(4, 3, 7), 1, type),
                    Arguments.of(new Shape(3, 4, 5, 6), 1, type),
                    Arguments.of(new Shape(2, 3, 2, 3, 4), 1, type),
                    Arguments.of(new Shape(8, 16, 14, 14), 1, type),
                    Arguments.of(new Shape(3, 7), 0, type),
                    Arguments.of(new Shape(4, 5, 3), 2, type),
                    Arguments.of(new Shape(3, 4, 5, 6), 2, type),
                    Arguments.of(new Shape(3, 5, 6, 4), 3, type)));
  }

  @ParameterizedTest
  @MethodSource("inputs")
  void training(Shape shape, int axis, DataType type) {
    compare(Sample.of(shape, axis, type, 1), true);
  }

  @ParameterizedTest
  @MethodSource("inputs")
  void evaluation(Shape shape, int axis, DataType type) {
    compare(Sample.of(shape, axis, type, 2), false);
  }

  private static void compare(Sample sample, boolean training) {
    float epsilon = 1e-3f;
    var norma =
        NormaBatchNorm.builder().optAxis(sample.axis()).optEpsilon(epsilon).optMomentum(MOMENTUM).build();
    var engine = BatchNorm.builder().optAxis(sample.axis()).optEpsilon(epsilon).optMomentum(MOMENTUM).build();
    LayerResult actual = LayerResult.of(norma, sample, training);
    LayerResult expected = LayerResult.of(engine, sample, training);
    RoundingBounds bounds = RoundingBounds.of(sample, epsilon, training ? Double.POSITIVE_INFINITY : MOMENTUM);
    requireClose("y", actual.y(), expected.y(), i -> bounds.y()[sample.channel(i)]);
    requireClose("dx", actual.dx(), expected.dx(), i -> bounds.dx()[sample.channel(i)]);
    requireClose("dgamma", actual.dgamma(), expected.dgamma(), c -> bounds.dgamma()[c]);
    requireClose("dbeta", actual.dbeta(), expected.dbeta(), c -> bounds.dbeta()[c]);
    requireClose("runningMean", actual.runningMean(), expected.runningMean(), c -> bounds.mean()[c]);
    requireClose("runningVar", actual.runningVar(), expected.runningVar(), c -> bounds.variance()[c]);
  }
}
