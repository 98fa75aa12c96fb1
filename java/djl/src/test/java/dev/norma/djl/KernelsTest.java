package dev.norma.djl;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.training.ParameterStore;
import dev.norma.Kernels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.function.DoubleUnaryOperator;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Which kernels run, and in what company. */
class KernelsTest {

  @Test
  void checkedKernelsTrainToTheSameBits() {
    var checked =
        new Training.Layers(
            net -> net.block(() -> NormaBatchNorm.builder().optKernels(Kernels::checked).build()), NormaTrainer::of);
    Map<String, double[]> actual = Training.run(Nets.RESIDUAL, checked, DoubleUnaryOperator.identity());
    Map<String, double[]> expected = Training.run(Nets.RESIDUAL, Training.NORMA, DoubleUnaryOperator.identity());
    actual.forEach((name, values) -> assertThat(values).as(name).containsExactly(expected.get(name)));
  }

  @Test
  void engineAndNormaShareOneOpenMpRuntime() throws IOException {
    NormaBatchNorm.builder().build();
    try (Stream<String> maps = Files.lines(Path.of("/proc/self/maps"))) {
      assertThat(maps.filter(line -> line.contains("libgomp")).map(line -> line.replaceAll(".* ", "")).distinct())
          .hasSize(1);
    }
  }

  @Test
  void threadsEvaluateAtOnce() {
    try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
      Shape shape = new Shape(8, 16, 14, 14);
      Block block = NormaBatchNorm.builder().build();
      block.initialize(manager, DataType.FLOAT32, shape);
      float[] values = manager.randomNormal(shape).toFloatArray();
      float[] expected = evaluate(block, values, shape);
      boolean same =
          IntStream.range(0, 400)
              .parallel()
              .allMatch(i -> Arrays.equals(evaluate(block, values, shape), expected));
      assertThat(same).isTrue();
    }
  }

  private static float[] evaluate(Block block, float[] values, Shape shape) {
    try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
      NDArray x = manager.create(values, shape);
      return block.forward(new ParameterStore(manager, false), new NDList(x), false).singletonOrThrow().toFloatArray();
    }
  }
}
