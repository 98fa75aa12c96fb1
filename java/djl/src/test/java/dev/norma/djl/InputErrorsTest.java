package dev.norma.djl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.ndarray.types.SparseFormat;
import ai.djl.nn.Block;
import ai.djl.training.ParameterStore;
import ai.djl.util.passthrough.PassthroughNDManager;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.MethodSource;

/** An input that a block cannot take is refused before anything has changed. */
class InputErrorsTest {
  private final NDManager manager = NDManager.newBaseManager("PyTorch");
  private final ParameterStore store = new ParameterStore(manager, false);
  private final Block block = NormaBatchNorm.builder().build();

  @BeforeEach
  void initialize() {
    block.initialize(manager, DataType.FLOAT32, new Shape(6, 3));
  }

  @AfterEach
  void close() {
    manager.close();
  }

  private void requireRefused(NDArray x, String message) {
    for (boolean training : new boolean[] {true, false}) {
      try (var collector = NormaGradientCollector.open()) {
        assertThat(collector).isNotNull();
        assertThatIllegalArgumentException()
            .isThrownBy(() -> block.forward(store, new NDList(x), training))
            .withMessageContaining(message);
      }
    }
    requireUnchanged();
  }

  private void requireUnchanged() {
    assertThat(LayerResult.array(block, "runningMean").toFloatArray()).containsOnly(0);
    assertThat(LayerResult.array(block, "runningVar").toFloatArray()).containsOnly(1);
  }

  @Test
  void otherEngine() {
    requireRefused(PassthroughNDManager.INSTANCE.create(new float[] {1, 2, 3}, new Shape(1, 3)), "PyTorch engine");
  }

  @ParameterizedTest
  @FieldSource("TYPES")
  void otherDataType(DataType type) {
    requireRefused(manager.ones(new Shape(6, 3), type), "FLOAT32 or FLOAT64");
  }

  // BFLOAT16 is left out: the engine ends the process when it is asked for such an array.
  static final DataType[] TYPES = {
    DataType.FLOAT16, DataType.INT32, DataType.INT64, DataType.UINT8, DataType.BOOLEAN
  };

  @Test
  void dataTypeThatDiffersFromTheParameters() {
    requireRefused(manager.ones(new Shape(6, 3), DataType.FLOAT64), "the parameters are float32");
  }

  @Test
  void otherNumberOfChannels() {
    requireRefused(manager.ones(new Shape(6, 4, 2)), "the input has 4 channels");
  }

  @Test
  void noAxisOfChannels() {
    requireRefused(manager.ones(new Shape(3)), "at least 2 dimensions");
  }

  @Test
  void emptyBatch() {
    requireRefused(manager.ones(new Shape(0, 3)), "at least 1");
  }

  @Test
  void sparse() {
    NDArray sparse =
        manager.ones(new Shape(6, 3)).toSparse(SparseFormat.COO);
    requireRefused(sparse, "dense");
  }

  @Test
  void oneValuePerChannelInTraining() {
    try (var collector = NormaGradientCollector.open()) {
      assertThat(collector).isNotNull();
      assertThatIllegalArgumentException()
          .isThrownBy(() -> block.forward(store, new NDList(manager.ones(new Shape(1, 3))), true))
          .withMessageContaining("one value per channel");
    }
    requireUnchanged();
    NDArray y = block.forward(store, new NDList(manager.ones(new Shape(1, 3))), false).singletonOrThrow();
    assertThat(y.getShape()).isEqualTo(new Shape(1, 3));
  }

  @Test
  void noChannelsToInitialize() {
    Block fresh = NormaBatchNorm.builder().build();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> fresh.initialize(manager, DataType.FLOAT32, new Shape(5)))
        .withMessageContaining("no channels on axis 1");
  }

  static Stream<Arguments> options() {
    return Stream.of(
        option("axis", builder -> builder.optAxis(-1)),
        option("epsilon", builder -> builder.optEpsilon(-1e-5f)),
        option("epsilon", builder -> builder.optEpsilon(Float.NaN)),
        option("epsilon", builder -> builder.optEpsilon(Float.POSITIVE_INFINITY)),
        option("momentum", builder -> builder.optMomentum(1.1f)),
        option("momentum", builder -> builder.optMomentum(Float.NaN)),
        option("threads", builder -> builder.optThreads(-1)));
  }

  private static Arguments option(String name, Consumer<NormaBatchNorm.Builder> option) {
    return Arguments.of(name, option);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("options")
  void optionOutOfRange(String name, Consumer<NormaBatchNorm.Builder> option) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> option.accept(NormaBatchNorm.builder()))
        .withMessageContaining(name);
  }
}
