package dev.norma.benchmarks.jmh;

import ai.djl.Device;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.norm.BatchNorm;
import ai.djl.pytorch.engine.PtEngine;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.jni.JniUtils;
import ai.djl.training.ParameterStore;
import dev.norma.benchmarks.Case;
import dev.norma.benchmarks.Pass;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.util.List;
import java.util.function.Supplier;

/**
 * Deep Java Library's own batch normalization block on its PyTorch engine. The engine allocates what a call computes;
 * the results of the last call are closed before it, so that the allocator gives out their memory again.
 */
public class Djl extends BatchNormBenchmark {
  static {
    System.setProperty("ai.djl.offline", "true"); // Downloads nothing and reports to nobody.
  }

  private final Arena arena = Arena.ofShared();
  private NDManager manager;
  private ParameterStore parameters;
  private BatchNorm block;
  private Shape shape;
  private NDList x;
  private NDList y;
  private PtNDArray dy;
  private NDArray leaf;

  @Override
  protected String version() {
    return "DJL %s, PyTorch %s".formatted(Engine.getDjlVersion(), Engine.getEngine(PtEngine.ENGINE_NAME).getVersion());
  }

  @Override
  protected void prepare(Case measured, Inputs inputs) {
    requireSupported(measured);
    JniUtils.setNumThreads(measured.threads());
    manager = NDManager.newBaseManager(Device.cpu(), PtEngine.ENGINE_NAME);
    parameters = new ParameterStore(manager, false);
    var extents = measured.shape();
    shape = extents.spatial() == 1
        ? new Shape(extents.batch(), extents.channels())
        : new Shape(extents.batch(), extents.channels(), extents.spatial());
    x = new NDList(array(inputs.load("x", arena), shape));
    block = block(inputs);
    JniUtils.setGradMode(false); // Forward passes alone record nothing.
    if (measured.pass() == Pass.BACKWARD_TRAINING) {
      dy = array(inputs.load("dy", arena), shape);
      y = new NDList(trained(throughEmptyLeaf()));
    }
  }

  private static void requireSupported(Case measured) {
    requireBatchNorm(measured);
    if (isChannelsLast(measured)) {
      throw new UnsupportedOperationException("DJL's arrays have no layout nhwc");
    }
    if (measured.type().equals("f64")) {
      throw new UnsupportedOperationException(
          "DJL takes epsilon as a float, so results in f64 differ from the 13th digit on");
    }
    if (!measured.type().equals("f32")) {
      throw new UnsupportedOperationException("no " + measured.type() + ", only f32");
    }
  }

  /** An array in place. */
  private PtNDArray array(MemorySegment memory, Shape shape) {
    return (PtNDArray) manager.create(memory.asByteBuffer().order(ByteOrder.nativeOrder()), shape, DataType.FLOAT32);
  }

  private BatchNorm block(Inputs inputs) {
    var made = BatchNorm.builder().optEpsilon((float) EPSILON).optMomentum(1 - (float) UPDATE_WEIGHT).build();
    var channels = new Shape(shape.get(1));
    var names = List.of("gamma", "beta", "running_mean", "running_var"); // The order of the block's parameters.
    for (var i = 0; i < names.size(); i++) {
      made.getParameters().valueAt(i).setArray(array(inputs.load(names.get(i), arena), channels));
    }
    made.initialize(manager, DataType.FLOAT32, shape);
    return made;
  }

  /**
   * The values of x, as the output of another operation, which inputs of a layer are in a network: their gradients are
   * passed on. At a leaf the engine would keep them and add to them, call after call, which the pass does not ask for.
   */
  private NDArray throughEmptyLeaf() {
    var empty = manager.create(new Shape(0).addAll(shape.slice(1)), DataType.FLOAT32);
    empty.setRequiresGradient(true);
    return recorded(() -> empty.concat(x.singletonOrThrow()));
  }

  /** What an operation computes, with the way back through it. */
  private static NDArray recorded(Supplier<NDArray> operation) {
    var collector = Engine.getEngine(PtEngine.ENGINE_NAME).newGradientCollector();
    try {
      return operation.get();
    } finally {
      collector.close();
    }
  }

  private NDArray trained(NDArray input) {
    return recorded(() -> block.forward(parameters, new NDList(input), true).singletonOrThrow());
  }

  @Override
  protected void forward() {
    normalize(true);
  }

  @Override
  protected void infer() {
    normalize(false);
  }

  private void normalize(boolean training) {
    if (y != null) {
      y.close();
    }
    y = block.forward(parameters, x, training);
  }

  @Override
  protected void backward() {
    JniUtils.backward((PtNDArray) y.singletonOrThrow(), dy, true, false);
  }

  @Override
  protected MemorySegment output(String name) {
    return switch (name) {
      case "y" -> memory(y.singletonOrThrow());
      case "dx" -> gradient(leaf());
      case "dgamma" -> gradient(parameter("gamma"));
      case "dbeta" -> gradient(parameter("beta"));
      default -> throw new IllegalArgumentException("no output " + name);
    };
  }

  private PtNDArray parameter(String name) {
    return (PtNDArray) block.getParameters().get(name).getArray();
  }

  private MemorySegment gradient(NDArray array) {
    leaf();
    return memory(array.getGradient());
  }

  /** x as a leaf, after one backward pass: the engine keeps its gradient, and gamma's and beta's of this pass alone. */
  private NDArray leaf() {
    if (leaf == null) {
      leaf = x.singletonOrThrow().stopGradient();
      leaf.setRequiresGradient(true);
      JniUtils.zeroGrad(parameter("gamma"));
      JniUtils.zeroGrad(parameter("beta"));
      JniUtils.backward((PtNDArray) trained(leaf), dy, false, false);
    }
    return leaf;
  }

  private static MemorySegment memory(NDArray array) {
    return MemorySegment.ofBuffer(((PtNDArray) array).toByteBuffer(true));
  }

  @Override
  protected void release() {
    if (manager != null) {
      manager.close();
    }
    arena.close();
  }
}
