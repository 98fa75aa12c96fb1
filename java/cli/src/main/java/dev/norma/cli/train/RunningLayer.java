package dev.norma.cli.train;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.training.ParameterStore;
import ai.djl.training.initializer.Initializer;
import dev.norma.Kernels;
import dev.norma.djl.NormaBatchNorm;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;

/** A batch normalization layer that keeps its running statistics in the way of a case. */
final class RunningLayer {
  static final float EPSILON = 1e-5f;
  static final float MOMENTUM = 0.9f;

  private final RunningCase way;
  private final Block training;
  private final Block inference;
  private final ParameterStore store;

  RunningLayer(RunningCase way, float[] gamma, float[] beta, boolean checked, NDManager manager) {
    this.way = way;
    store = new ParameterStore(manager, false);
    training = layer(EPSILON, checked);
    inference = layer(way.bareInference() ? 0 : EPSILON, checked);
    for (var block : new Block[] {training, inference}) {
      block.setInitializer(constant(gamma), "gamma");
      block.setInitializer(constant(beta), "beta");
      block.initialize(manager, DataType.FLOAT32, new Shape(1, gamma.length));
    }
    var variance = memory(training, "runningVar");
    for (int unit = 0; unit < gamma.length; unit++) {
      variance.put(unit, way.firstVariance());
    }
  }

  private Block layer(float epsilon, boolean checked) {
    // A momentum of 1 keeps the old averages: that is a layer whose updates are not run.
    return NormaBatchNorm.builder()
        .optEpsilon(epsilon)
        .optMomentum(way.updated() ? MOMENTUM : 1)
        .optThreads(1)
        .optKernels(checked ? Kernels::checked : Kernels::nativeKernels)
        .build();
  }

  private static Initializer constant(float[] values) {
    return (manager, shape, type) -> manager.create(values, shape);
  }

  /** A pass in training mode, inside a gradient collector; updates the averages in the way of the case. */
  NDArray train(NDArray x) {
    var y = training.forward(store, new NDList(x), true).singletonOrThrow();
    if (way.epsilonStored()) {
      var variance = memory(training, "runningVar");
      for (int unit = 0; unit < variance.limit(); unit++) {
        variance.put(unit, variance.get(unit) + (1 - MOMENTUM) * EPSILON);
      }
    }
    return y;
  }

  /** A pass in test mode. */
  NDArray infer(NDArray x) {
    for (String name : new String[] {"runningMean", "runningVar"}) {
      memory(inference, name).put(memory(training, name));
    }
    return inference.forward(store, new NDList(x), false).singletonOrThrow();
  }

  private static FloatBuffer memory(Block block, String parameter) {
    var array = block.getDirectParameters().get(parameter).getArray();
    return array.toByteBuffer(true).order(ByteOrder.nativeOrder()).asFloatBuffer();
  }
}
