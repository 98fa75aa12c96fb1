package dev.norma.djl;

import static dev.norma.djl.RoundingBounds.requireClose;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.norm.LayerNorm;
import ai.djl.training.ParameterStore;
import dev.norma.Kernels;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Normalizations of samples against the engine, and what they refuse. */
class NormTest {
  private static final float EPSILON = 1e-3f;

  private final NDManager manager = NDManager.newBaseManager("PyTorch");
  private final ParameterStore store = new ParameterStore(manager, false);

  @AfterEach
  void close() {
    manager.close();
  }

  static Stream<Arguments> inputs() {
    return Stream.of(Norm.values())
        .flatMap(norm -> norm.shapes().flatMap(shape -> types(norm, shape)));
  }

  private static Stream<Arguments> types(Norm norm, Shape shape) {
    return Stream.of(DataType.FLOAT32, DataType.FLOAT64).map(type -> Arguments.of(norm, shape, type));
  }

  @ParameterizedTest
  @MethodSource("inputs")
  void isWhatTheEngineMakesOfTheFormula(Norm norm, Shape shape, DataType type) {
    Sample sample = Sample.of(shape, norm, type, 3);
    for (boolean training : new boolean[] {true, false}) {
      requireAlike(norm, sample, norm.norma(EPSILON), norm.engine(EPSILON), training);
    }
  }

  @ParameterizedTest
  @MethodSource("inputs")
  void everyCallCanBeChecked(Norm norm, Shape shape, DataType type) {
    Sample sample = Sample.of(shape, norm, type, 4);
    requireAlike(norm, sample, norm.norma(EPSILON, Kernels::checked), norm.norma(EPSILON), true);
  }

  private static void requireAlike(Norm norm, Sample sample, Block actualBlock, Block expectedBlock, boolean training) {
    LayerResult actual = LayerResult.of(actualBlock, sample, training);
    LayerResult expected = LayerResult.of(expectedBlock, sample, training);
    SampleBounds bounds = SampleBounds.of(norm, sample, EPSILON);
    requireClose("y", actual.y(), expected.y(), i -> bounds.y()[i]);
    requireClose("dx", actual.dx(), expected.dx(), i -> bounds.dx()[i]);
    requireClose("dgamma", actual.dgamma(), expected.dgamma(), p -> bounds.dgamma()[p]);
    requireClose("dbeta", actual.dbeta(), expected.dbeta(), p -> bounds.dbeta()[p]);
  }

  @ParameterizedTest
  @MethodSource("rowShapes")
  void layerNormIsThatOfTheEngine(Shape shape, DataType type) {
    Sample sample = Sample.of(shape, Norm.LAYER, type, 5);
    for (boolean training : new boolean[] {true, false}) {
      Block engine = LayerNorm.builder().optEpsilon(EPSILON).build();
      requireAlike(Norm.LAYER, sample, Norm.LAYER.norma(EPSILON), engine, training);
    }
  }

  static Stream<Arguments> rowShapes() {
    return inputs()
        .map(Arguments::get)
        .filter(input -> input[0] == Norm.LAYER)
        .map(input -> Arguments.of(input[1], input[2]));
  }

  @ParameterizedTest
  @EnumSource
  void gradientsAreDifferencesOfTheOutput(Norm norm) {
    Sample sample = Sample.of(norm.shapes().findFirst().orElseThrow(), norm, DataType.FLOAT64, 6);
    double[] dx = LayerResult.of(norm.norma(EPSILON), sample, true).dx();
    Block block = norm.norma(EPSILON);
    LayerResult.initialize(block, sample, manager);
    // Central differences: their own error is of the order of the step's square; rounding adds 1e-16 over the step.
    double step = 1e-5;
    for (int i = 0; i < dx.length; i += 7) {
      double difference = (loss(block, sample, i, step) - loss(block, sample, i, -step)) / (2 * step);
      assertThat(dx[i]).as("dx[%d]", i).isCloseTo(difference, within(1e-8));
    }
  }

  /** The sum of y * dy with one value of x moved. */
  private double loss(Block block, Sample sample, int index, double step) {
    double[] x = sample.x().clone();
    x[index] += step;
    NDArray y = forward(block, manager.create(x, sample.shape()), false);
    return y.mul(sample.outputGradient(manager)).sum().getDouble();
  }

  private NDArray forward(Block block, NDArray x, boolean training) {
    return block.forward(store, new NDList(x), training).singletonOrThrow();
  }

  private Block initialized(Norm norm, Shape shape) {
    Block block = norm.norma();
    block.initialize(manager, DataType.FLOAT32, shape);
    return block;
  }

  @ParameterizedTest
  @EnumSource
  void trainingPassOutsideACollectorIsRefused(Norm norm) {
    Shape shape = norm.shapes().findFirst().orElseThrow();
    Block block = initialized(norm, shape);
    NDArray x = manager.ones(shape);
    assertThatIllegalStateException()
        .isThrownBy(() -> forward(block, x, true))
        .withMessageContaining("NormaTrainer");
    assertThat(forward(block, x, false).getShape()).isEqualTo(shape);
  }

  @ParameterizedTest
  @EnumSource
  void inputThatWasChangedInPlaceIsRefused(Norm norm) {
    Shape shape = norm.shapes().findFirst().orElseThrow();
    Block block = initialized(norm, shape);
    try (var collector = NormaGradientCollector.open()) {
      NDArray x = manager.randomNormal(shape);
      NDArray loss = forward(block, x, true).square().sum();
      x.addi(1);
      assertThatIllegalStateException().isThrownBy(() -> collector.backward(loss)).withMessageContaining("in place");
    }
  }

  @ParameterizedTest
  @EnumSource
  void stridedInputGivesTheSameBits(Norm norm) {
    Shape shape = norm.shapes().skip(1).findFirst().orElseThrow();
    Block block = initialized(norm, shape);
    NDArray x = manager.randomNormal(shape);
    NDArray strided = x.swapAxes(0, 1).flatten().reshape(x.swapAxes(0, 1).getShape()).swapAxes(0, 1);
    assertThat(forward(block, strided, false).toFloatArray()).containsExactly(forward(block, x, false).toFloatArray());
  }

  @ParameterizedTest
  @EnumSource
  void otherDataTypesAreRefused(Norm norm) {
    Shape shape = norm.shapes().findFirst().orElseThrow();
    Block block = initialized(norm, shape);
    requireRefused(block, manager.ones(shape, DataType.FLOAT64), "the parameters are float32");
    requireRefused(block, manager.ones(shape, DataType.INT32), "FLOAT32 or FLOAT64");
  }

  private void requireRefused(Block block, NDArray x, String message) {
    for (boolean training : new boolean[] {true, false}) {
      try (var collector = NormaGradientCollector.open()) {
        assertThat(collector).isNotNull();
        assertThatIllegalArgumentException()
            .isThrownBy(() -> forward(block, x, training))
            .withMessageContaining(message);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"LAYER", "RMS"})
  void rowsOfOtherExtentsAreRefused(Norm norm) {
    Block block = initialized(norm, new Shape(2, 3, 4));
    requireRefused(block, manager.ones(new Shape(2, 4, 3)), "must be (3, 4)");
    requireRefused(block, manager.ones(new Shape(4)), "must be (3, 4)");
    requireRefused(block, manager.ones(new Shape(0, 3, 4)), "at least 1");
    assertThat(forward(block, manager.ones(new Shape(3, 4)), false).getShape()).isEqualTo(new Shape(3, 4));
    assertThat(forward(block, manager.ones(new Shape(5, 2, 3, 4)), false).size()).isEqualTo(120);
  }

  @Test
  void axesMustBeTheLast() {
    Shape shape = new Shape(2, 3, 4);
    requireAxes(builder -> builder.axis(2), shape, new Shape(4));
    requireAxes(builder -> builder.axis(1, 2), shape, new Shape(3, 4));
    requireAxes(builder -> builder.axis(0, 1, 2), shape, shape);
    for (int[] axes : new int[][] {{1}, {2, 1}, {0, 2}, {3}, {-1}}) {
      Block block = NormaLayerNorm.builder().axis(axes).build();
      assertThatIllegalArgumentException()
          .isThrownBy(() -> block.initialize(manager, DataType.FLOAT32, shape))
          .withMessageContaining("must be the last ones");
    }
    assertThatIllegalArgumentException().isThrownBy(() -> NormaLayerNorm.builder().axis());
    assertThatIllegalArgumentException()
        .isThrownBy(() -> NormaRmsNorm.builder().build().initialize(manager, DataType.FLOAT32, new Shape(3)))
        .withMessageContaining("no axis to normalize");
  }

  private void requireAxes(UnaryOperator<NormaLayerNorm.Builder> axes, Shape shape, Shape normalized) {
    Block block = axes.apply(NormaLayerNorm.builder()).build();
    block.initialize(manager, DataType.FLOAT32, shape);
    assertThat(LayerResult.array(block, "gamma").getShape()).isEqualTo(normalized);
    assertThat(forward(block, manager.ones(shape), false).getShape()).isEqualTo(shape);
  }

  @ParameterizedTest
  @EnumSource(names = {"GROUP", "INSTANCE"})
  void otherChannelsAreRefused(Norm norm) {
    Block block = initialized(norm, new Shape(2, 4, 3));
    requireRefused(block, manager.ones(new Shape(2, 6, 3)), "the input has 6 channels");
    requireRefused(block, manager.ones(new Shape(4)), "at least 2 dimensions");
    requireRefused(block, manager.ones(new Shape(0, 4, 3)), "at least 1");
  }

  @Test
  void groupsMustDivideTheChannels() {
    Block block = NormaGroupNorm.builder().setGroups(3).build();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> block.initialize(manager, DataType.FLOAT32, new Shape(2, 4, 5)))
        .withMessageContaining("3 groups do not divide the 4 channels");
    assertThatIllegalArgumentException().isThrownBy(() -> NormaGroupNorm.builder().setGroups(0));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> NormaGroupNorm.builder().build())
        .withMessageContaining("setGroups");
  }

  @Test
  void oneValuePerInstanceIsRefused() {
    Block block = initialized(Norm.INSTANCE, new Shape(6, 3));
    requireRefused(block, manager.ones(new Shape(6, 3)), "one value per channel of an image");
    requireRefused(block, manager.ones(new Shape(6, 3, 1)), "one value per channel of an image");
  }
}
