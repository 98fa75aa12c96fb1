package dev.norma.djl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.norm.BatchNorm;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.training.ParameterStore;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The running statistics of instance normalization. */
class InstanceNormTest {
  private static final Shape SHAPE = new Shape(3, 2, 5);
  private static final Sample SAMPLE = Sample.of(SHAPE, Norm.INSTANCE, DataType.FLOAT64, 2);

  private final NDManager manager = NDManager.newBaseManager("PyTorch");

  @AfterEach
  void close() {
    manager.close();
  }

  private static Block tracking() {
    return NormaInstanceNorm.builder().optTrackRunningStatistics(true).optMomentum(0.7f).build();
  }

  private NDArray forward(Block block, boolean training) {
    var input = new NDList(SAMPLE.input(manager));
    return block.forward(new ParameterStore(manager, false), input, training).singletonOrThrow();
  }

  private double[] train(Block block) {
    LayerResult.initialize(block, SAMPLE, manager);
    try (var collector = NormaGradientCollector.open()) {
      assertThat(collector).isNotNull();
      return LayerResult.values(forward(block, true));
    }
  }

  @Test
  void followTheAveragesOverTheImages() {
    Block block = tracking();
    train(block);
    for (int c = 0; c < 2; c++) {
      double mean = 0;
      double variance = 0;
      for (int image = 0; image < 3; image++) {
        double[] values = instance(image, c);
        double center = IntStream.range(0, 5).mapToDouble(i -> values[i]).average().orElseThrow();
        mean += center / 3;
        variance += IntStream.range(0, 5).mapToDouble(i -> Math.pow(values[i] - center, 2)).sum() / 4 / 3;
      }
      // In double, from values below 10 by some 30 operations; the momentum is a float.
      double momentum = 0.7f;
      assertThat(LayerResult.values(LayerResult.array(block, "runningMean"))[c])
          .isCloseTo((1 - momentum) * mean, within(1e-13));
      assertThat(LayerResult.values(LayerResult.array(block, "runningVar"))[c])
          .isCloseTo(momentum + (1 - momentum) * variance, within(1e-13));
    }
  }

  private static double[] instance(int image, int channel) {
    return IntStream.range(0, 5).mapToDouble(i -> SAMPLE.x()[(image * 2 + channel) * 5 + i]).toArray();
  }

  @Test
  void trainingIsThatWithoutThem() {
    assertThat(train(tracking())).containsExactly(train(NormaInstanceNorm.builder().build()));
  }

  /** Evaluation is that of batch normalization, gradients included. */
  @Test
  void evaluationTakesThemAsConstants() {
    Block block = tracking();
    train(block);
    Block batchNorm = BatchNorm.builder().build();
    LayerResult.initialize(batchNorm, SAMPLE, manager);
    for (String name : new String[] {"runningMean", "runningVar"}) {
      var target = (PtNDArray) LayerResult.array(batchNorm, name);
      var source = (PtNDArray) LayerResult.array(block, name);
      ArrayMemory.own(target).copyFrom(ArrayMemory.own(source));
    }
    double[][] actual = evaluate(block);
    double[][] expected = evaluate(batchNorm);
    for (int i = 0; i < actual.length; i++) {
      // In double, of values below 100, by some 30 operations.
      assertThat(actual[i]).containsExactly(expected[i], within(1e-11));
    }
  }

  /** The output, and the gradients by x, gamma and beta. */
  private double[][] evaluate(Block block) {
    NDArray x = SAMPLE.input(manager);
    x.setRequiresGradient(true);
    try (var collector = LayerResult.collector(block)) {
      NDArray y = block.forward(new ParameterStore(manager, false), new NDList(x), false).singletonOrThrow();
      collector.backward(y.mul(SAMPLE.outputGradient(manager)).sum());
      return new double[][] {
        LayerResult.values(y),
        LayerResult.values(x.getGradient()),
        LayerResult.values(LayerResult.array(block, "gamma").getGradient()),
        LayerResult.values(LayerResult.array(block, "beta").getGradient())
      };
    }
  }
}
