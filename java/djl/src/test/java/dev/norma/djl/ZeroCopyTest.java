package dev.norma.djl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.training.ParameterStore;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The kernels work in the memory of the engine's arrays. */
class ZeroCopyTest {
  private final NDManager manager = NDManager.newBaseManager("PyTorch");

  @AfterEach
  void close() {
    manager.close();
  }

  @Test
  void segmentIsTheMemoryOfTheArray() {
    NDArray array = manager.create(new float[] {1, 2, 3});
    MemorySegment memory = ArrayMemory.own((PtNDArray) array);
    memory.setAtIndex(ValueLayout.JAVA_FLOAT, 1, 7);
    assertThat(array.toFloatArray()).containsExactly(1, 7, 3);
    array.addi(1);
    assertThat(memory.toArray(ValueLayout.JAVA_FLOAT)).containsExactly(2, 8, 4);
  }

  @Test
  void memoryOfAViewThatIsNotContiguousIsACopyAndCannotBeWritten() {
    NDArray column = manager.create(new float[] {1, 2, 3, 4}, new Shape(2, 2)).get(":,0");
    assertThat(ArrayMemory.values((PtNDArray) column).toArray(ValueLayout.JAVA_FLOAT)).containsExactly(1, 3);
    assertThatThrownBy(() -> ArrayMemory.own((PtNDArray) column))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("not contiguous");
  }

  @Test
  void kernelsGetTheArraysThemselves() {
    var log = new CallLog();
    var block = NormaBatchNorm.builder().optKernels(log::kernels).build();
    block.initialize(manager, DataType.FLOAT32, new Shape(4, 3, 5));
    var store = new ParameterStore(manager, false);
    NDArray x = manager.randomNormal(new Shape(4, 3, 5));
    x.setRequiresGradient(true);

    try (var collector = NormaGradientCollector.open()) {
      NDArray y = block.forward(store, new NDList(x), true).singletonOrThrow();
      CallLog.Call forward = log.last("forwardTraining");
      assertThat(address(forward, 1)).as("x").isEqualTo(address(x));
      assertThat(address(forward, 3)).as("beta").isEqualTo(address(LayerResult.array(block, "beta")));
      assertThat(address(forward, 4)).as("y").isEqualTo(address(y));
      CallLog.Call update = log.last("updateRunning");
      assertThat(address(update, 6)).isEqualTo(address(LayerResult.array(block, "runningMean")));
      assertThat(address(update, 7)).isEqualTo(address(LayerResult.array(block, "runningVar")));
      collector.backward(y.square().sum());
      assertThat(address(log.last("backwardTraining"), 1)).as("x").isEqualTo(address(x));
    }
    NDArray y = block.forward(store, new NDList(x), false).singletonOrThrow();
    CallLog.Call inference = log.last("forwardInference");
    assertThat(address(inference, 1)).as("x").isEqualTo(address(x));
    assertThat(address(inference, 2)).as("gamma").isEqualTo(address(LayerResult.array(block, "gamma")));
    assertThat(address(inference, 6)).as("y").isEqualTo(address(y));
  }

  @ParameterizedTest
  @EnumSource
  void kernelsOfEveryNormGetTheArraysThemselves(Norm norm) {
    var log = new CallLog();
    Shape shape = norm.shapes().findFirst().orElseThrow();
    Block block = norm.norma(1e-5f, log::kernels);
    block.initialize(manager, DataType.FLOAT32, shape);
    NDArray x = manager.randomNormal(shape);
    x.setRequiresGradient(true);
    try (var collector = NormaGradientCollector.open()) {
      NDArray y = block.forward(new ParameterStore(manager, false), new NDList(x), true).singletonOrThrow();
      CallLog.Call forward = log.last(norm.forward());
      assertThat(address(forward, 1)).as("x").isEqualTo(address(x));
      assertThat(address(forward, norm.hasBeta() ? 4 : 3)).as("y").isEqualTo(address(y));
      collector.backward(y.square().sum());
      assertThat(address(log.last(norm.backward()), 1)).as("x").isEqualTo(address(x));
    }
  }

  private static long address(CallLog.Call call, int argument) {
    return ((MemorySegment) call.arguments().get(argument)).address();
  }

  private static long address(NDArray array) {
    return MemorySegment.ofBuffer(array.toByteBuffer(true)).address();
  }
}
