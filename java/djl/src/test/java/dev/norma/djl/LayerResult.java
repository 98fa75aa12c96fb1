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

/** What a layer makes of a sample: its output, the gradients of the sum of y * dy, and its running statistics. */
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
          values(array(block, "gamma").getGradient()),
          values(array(block, "beta").getGradient()),
          values(array(block, "runningMean")),
          values(array(block, "runningVar")));
    }
  }

  /** The collector that a block needs. */
  static GradientCollector collector(Block block) {
    return block instanceof NormaBatchNorm
        ? NormaGradientCollector.open()
        : Engine.getEngine("PyTorch").newGradientCollector();
  }

  static void initialize(Block block, Sample sample, NDManager manager) {
    block.setInitializer(constant(sample.gamma()), "gamma");
    block.setInitializer(constant(sample.beta()), "beta");
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
