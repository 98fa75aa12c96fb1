package dev.norma.djl;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.training.GradientCollector;
import ai.djl.training.ParameterStore;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Views that are not contiguous give the same bits as contiguous arrays of the same values, gradients included. */
class StridedInputTest {

  static Stream<Arguments> views() {
    return Stream.of(
        view("transposed", x -> x.transpose(0, 3, 1, 2)),
        view("every other row", x -> x.get(":, ::2")),
        view("a column", x -> x.get(":, :, 1, :2").transpose(0, 2, 1)),
        view("repeated by a stride of zero", x -> x.get(":, :1").broadcast(new Shape(4, 3, 6, 6))));
  }

  private static Arguments view(String name, UnaryOperator<NDArray> view) {
    return Arguments.of(name, view);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("views")
  void givesTheSameBits(String name, UnaryOperator<NDArray> view) {
    for (boolean training : new boolean[] {true, false}) {
      double[][] strided = run(view, false, training);
      double[][] contiguous = run(view.andThen(x -> x.flatten().reshape(x.getShape()))::apply, true, training);
      assertThat(strided).isDeepEqualTo(contiguous);
    }
  }

  private static boolean isContiguous(NDArray array) {
    return ArrayMemory.values((PtNDArray) array).address() == ArrayMemory.values((PtNDArray) array).address();
  }

  /** The output, the gradient of the whole array, and that of gamma. */
  private static double[][] run(UnaryOperator<NDArray> view, boolean contiguous, boolean training) {
    try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
      NDArray whole = Sample.of(new Shape(4, 6, 6, 6), 1, DataType.FLOAT32, 5).input(manager);
      whole.setRequiresGradient(true);
      Block block = NormaBatchNorm.builder().build();
      var store = new ParameterStore(manager, false);
      try (GradientCollector collector = NormaGradientCollector.open()) {
        NDArray x = view.apply(whole);
        assertThat(isContiguous(x)).isEqualTo(contiguous);
        block.initialize(manager, DataType.FLOAT32, x.getShape());
        NDArray y = block.forward(store, new NDList(x), training).singletonOrThrow();
        collector.backward(y.square().mul(y).sum());
        return new double[][] {
          LayerResult.values(y),
          LayerResult.values(whole.getGradient()),
          LayerResult.values(LayerResult.array(block, "gamma").getGradient())
        };
      }
    }
  }
}
