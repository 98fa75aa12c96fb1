package dev.norma.djl;

import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.nn.Block;
import ai.djl.training.GradientCollector;
import ai.djl.training.ParameterStore;
import ai.djl.training.initializer.Initializer;
import java.util.function.UnaryOperator;

/**
 * What a layer makes of a sample: its output, the gradients of the sum of y * dy, and its running statistics. What the
 * layer does not have is empty.
 */
record LayerResult(
    double[] y, double[] dx, double[] dgamma, double[] dbeta, double[] runningMean, double[] runningVar) {

  /** Two passes, of which the first only moves the running statistics away from where they started. */
  static LayerResult of(Block block, Sample sample, boolean training) {
    try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
      initialize(block, sample, manager);
      var store = new ParameterStore(manager, false);
      NDArray x = sample.input(manager);
      NDArray moved = x.mul(0.5);
      x.setRequiresGradient(true);
      NDArray y;
      try (GradientCollector collector = collector(block)) {
        block.forward(store, new NDList(moved), true);
        y = block.forward(store, new NDList(x), training).singletonOrThrow();
        collector.backward(y.mul(sample.outputGradient(manager)).sum());
      }
      return new LayerResult(
          values(y),
          values(x.getGradient()),
          optional(block, "gamma", NDArray::getGradient),
          optional(block, "beta", NDArray::getGradient),
          optional(block, "runningMean", UnaryOperator.identity()),
          optional(block, "runningVar", UnaryOperator.identity()));
    }
  }

  private static double[] optional(Block block, String parameter, UnaryOperator<NDArray> of) {
    return has(block, parameter) ? values(of.apply(array(block, parameter))) : new double[0];
  }

  private static boolean has(Block block, String parameter) {
    return block.getDirectParameters().contains(parameter);
  }

  /** The collector that a block needs. */
  static GradientCollector collector(Block block) {
    return block instanceof NormaBlock
        ? NormaGradientCollector.open()
        : Engine.getEngine("PyTorch").newGradientCollector();
  }

  static void initialize(Block block, Sample sample, NDManager manager) {
    block.setInitializer(constant(sample.gamma()), "gamma");
    if (has(block, "beta")) {
      block.setInitializer(constant(sample.beta()), "beta");
    }
    block.initialize(manager, sample.type(), sample.shape());
  }

  private static Initializer constant(double[] values) {
    return (manager, shape, type) -> Sample.array(manager, values, shape, type);
  }

  static NDArray array(Block block, String parameter) {
    return block.getDirectParameters().get(parameter).getArray();
  }

  static double[] values(NDArray array) {
    return array.toType(DataType.FLOAT64, false).toDoubleArray();
  }
}
