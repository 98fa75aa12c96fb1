package dev.norma.cli.train;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.Parameter;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.core.Linear;
import ai.djl.training.ParameterStore;
import java.util.Random;

/**
 * The network of the text: max(0, X W1) W2, where X, W1 and W2 are normal random numbers, with the sizes of the
 * exercise that the text solves (Stanford's cs231n, assignment 2). Its outputs are what is normalized.
 */
final class TwoLayerNetwork {
  static final int BATCH = 200;
  static final int INPUTS = 50;
  static final int HIDDEN = 60;
  static final int OUTPUTS = 3;

  private final Random random;
  private final NDManager manager;
  private final SequentialBlock block = new SequentialBlock();

  /** {@code scale}: W2 is multiplied by it. */
  TwoLayerNetwork(long seed, double scale, NDManager manager) {
    random = new Random(seed);
    this.manager = manager;
    block.add(dense(HIDDEN, 1)).add(Activation.reluBlock()).add(dense(OUTPUTS, scale));
    block.initialize(manager, DataType.FLOAT32, new Shape(BATCH, INPUTS));
  }

  private Linear dense(int outputs, double scale) {
    var layer = Linear.builder().setUnits(outputs).optBias(false).build();
    layer.setInitializer((owner, shape, type) -> normal(owner, shape, scale), Parameter.Type.WEIGHT);
    return layer;
  }

  /** The outputs for a new batch of random inputs. */
  NDArray next() {
    var inputs = new NDList(normal(manager, new Shape(BATCH, INPUTS), 1));
    return block.forward(new ParameterStore(manager, false), inputs, false).singletonOrThrow();
  }

  private NDArray normal(NDManager owner, Shape shape, double scale) {
    var values = new float[Math.toIntExact(shape.size())];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (scale * random.nextGaussian());
    }
    return owner.create(values, shape);
  }
}
