package dev.norma.djl;

import ai.djl.Device;
import ai.djl.MalformedModelException;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractBlock;
import ai.djl.nn.Parameter;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;
import dev.norma.Kernels;
import dev.norma.RunningRule;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.function.Supplier;

/**
 * Batch normalization by Norma's kernels, as a block for networks of Deep Java Library's PyTorch engine. It takes the
 * place of {@link ai.djl.nn.norm.BatchNorm}: the same options with the same defaults, the same parameters under the
 * same names, the same file format in both directions.
 *
 * <p>Input: FLOAT32 or FLOAT64 on the CPU, 2 or more dimensions, the channels on one of them ({@link Builder#optAxis};
 * NC, NCW, NCHW and NCDHW by default). The data type is that of the parameters. Output: a new array of the same shape
 * in the manager of the input. The kernels read and write the memory of the engine's arrays; nothing is copied, except
 * that an input that is not contiguous (a transposed array, for example) is first copied into a contiguous one by the
 * engine.
 *
 * <p>In training the values of a channel c are normalized by their own mean and (biased) variance:
 *
 * <pre>
 *   y           = gamma_c * (x - mean_c) / sqrt(variance_c + epsilon) + beta_c
 *   runningMean = momentum * runningMean + (1 - momentum) * mean
 *   runningVar  = momentum * runningVar + (1 - momentum) * variance * M / (M - 1)
 * </pre>
 *
 * where M is the number of values of a channel; this is what the engine computes for {@code ai.djl.nn.norm.BatchNorm}.
 * In evaluation the running statistics take the place of mean and variance.
 *
 * <p>A training pass needs the gradient collector of a {@link NormaTrainer} (or a {@link NormaGradientCollector}). An
 * evaluation pass needs none; inside one, it has gradients as well.
 *
 * <p>Exceptions of a pass, all before anything has changed: {@link IllegalArgumentException} for an array of another
 * engine, device, data type, number of dimensions or channels, or for one value per channel in training; {@link
 * IllegalStateException} for a training pass outside a collector.
 *
 * <p>Threads: evaluation passes may run on many threads at once. Training is for one thread, like the engine's.
 */
public final class NormaBatchNorm extends AbstractBlock {
  /** The version of the file format, that of {@link ai.djl.nn.norm.BatchNorm}. */
  private static final byte VERSION = 2;

  private final int axis;
  private final Passes passes;
  private final Parameter gamma;
  private final Parameter beta;
  private final Parameter runningMean;
  private final Parameter runningVar;
  private long channels;

  private NormaBatchNorm(Builder builder) {
    super(VERSION);
    axis = builder.axis;
    passes = new Passes(builder.settings());
    gamma = addParameter(parameter("gamma", Parameter.Type.GAMMA, builder.scale));
    beta = addParameter(parameter("beta", Parameter.Type.BETA, builder.center));
    runningMean = addParameter(parameter("runningMean", Parameter.Type.RUNNING_MEAN, false));
    runningVar = addParameter(parameter("runningVar", Parameter.Type.RUNNING_VAR, false));
  }

  private static Parameter parameter(String name, Parameter.Type type, boolean trained) {
    return Parameter.builder().setName(name).setType(type).optRequiresGrad(trained).build();
  }

  /**
   * Starts to build a block.
   *
   * @return a builder with the defaults of {@link ai.djl.nn.norm.BatchNorm}
   */
  public static Builder builder() {
    return new Builder();
  }

  @Override
  protected NDList forwardInternal(
      ParameterStore store, NDList inputs, boolean training, PairList<String, Object> options) {
    PtNDArray x = Inputs.require(inputs.singletonOrThrow());
    Device device = x.getDevice();
    var parameters =
        new Parameters(
            value(store, gamma, device, training),
            value(store, beta, device, training),
            value(store, runningMean, device, training),
            value(store, runningVar, device, training));
    return new NDList(training ? passes.training(x, parameters) : passes.inference(x, parameters));
  }

  private static Parameters.Value value(ParameterStore store, Parameter parameter, Device device, boolean training) {
    return Parameters.Value.of((PtNDArray) store.getValue(parameter, device, training));
  }

  @Override
  public Shape[] getOutputShapes(Shape[] inputShapes) {
    return new Shape[] {inputShapes[0]};
  }

  @Override
  protected void beforeInitialize(Shape... inputShapes) {
    Shape shape = inputShapes[0];
    if (axis >= shape.dimension() || shape.get(axis) < 1) {
      throw new IllegalArgumentException("no channels on axis %d of shape %s".formatted(axis, shape));
    }
    super.beforeInitialize(inputShapes);
    channels = shape.get(axis);
  }

  @Override
  protected void prepare(Shape[] inputShapes) {
    var shape = new Shape(channels);
    gamma.setShape(shape);
    beta.setShape(shape);
    runningMean.setShape(shape);
    runningVar.setShape(shape);
  }

  @Override
  protected void saveMetadata(DataOutputStream out) throws IOException {
    saveInputShapes(out);
    out.writeLong(channels);
  }

  @Override
  protected void loadMetadata(byte loadVersion, DataInputStream in) throws IOException, MalformedModelException {
    if (loadVersion == VERSION) {
      readInputShapes(in);
    } else if (loadVersion != 1) {
      throw new MalformedModelException("unknown version of a batch normalization: " + loadVersion);
    }
    channels = in.readLong();
  }

  /** What to build; every option has the default of {@link ai.djl.nn.norm.BatchNorm}. */
  public static final class Builder {
    private int axis = 1;
    private float epsilon = 1e-5f;
    private float momentum = 0.9f;
    private boolean center = true;
    private boolean scale = true;
    private int threads;
    private Supplier<Kernels> kernels = Kernels::nativeKernels;

    private Builder() {}

    /**
     * The axis of the channels; no axis costs a copy.
     *
     * @param value 0 or more; default 1
     * @return this
     * @throws IllegalArgumentException if it is negative
     */
    public Builder optAxis(int value) {
      if (value < 0) {
        throw new IllegalArgumentException("the axis must be at least 0, not " + value);
      }
      axis = value;
      return this;
    }

    /**
     * Whether beta is trained.
     *
     * @param value false leaves beta as initialized; default true
     * @return this
     */
    public Builder optCenter(boolean value) {
      center = value;
      return this;
    }

    /**
     * Whether gamma is trained.
     *
     * @param value false leaves gamma as initialized; default true
     * @return this
     */
    public Builder optScale(boolean value) {
      scale = value;
      return this;
    }

    /**
     * What is added to the variance.
     *
     * @param value at least 0 and finite; default 1e-5
     * @return this
     * @throws IllegalArgumentException if it is out of range
     */
    public Builder optEpsilon(float value) {
      if (!(value >= 0 && value < Float.POSITIVE_INFINITY)) {
        throw new IllegalArgumentException("epsilon must be at least 0 and finite, not " + value);
      }
      epsilon = value;
      return this;
    }

    /**
     * The weight that the old running value keeps. PyTorch itself names the other weight: its 0.1 is 0.9 here.
     *
     * @param value 0 to 1; default 0.9
     * @return this
     * @throws IllegalArgumentException if it is out of range
     */
    public Builder optMomentum(float value) {
      if (!(value >= 0 && value <= 1)) {
        throw new IllegalArgumentException("momentum must lie in 0 to 1, not " + value);
      }
      momentum = value;
      return this;
    }

    /**
     * The largest number of threads that one call of a kernel uses.
     *
     * @param value at least 0; default 0, which leaves it to the OpenMP runtime
     * @return this
     * @throws IllegalArgumentException if it is negative
     */
    public Builder optThreads(int value) {
      if (value < 0) {
        throw new IllegalArgumentException("threads must be at least 0, not " + value);
      }
      threads = value;
      return this;
    }

    /**
     * The kernels that compute: {@code Kernels::checked} compares every result with the reference.
     *
     * @param value asked once, after the engine's library is loaded; default {@code Kernels::nativeKernels}
     * @return this
     */
    public Builder optKernels(Supplier<Kernels> value) {
      kernels = value;
      return this;
    }

    /**
     * Builds the block. Loads the engine's native library and then the kernels, if they are not loaded yet: in this
     * order both share one OpenMP runtime.
     *
     * @return a new block, to be initialized by a trainer or loaded from a file
     * @throws IllegalArgumentException if the PyTorch engine is not on the class path
     */
    public NormaBatchNorm build() {
      return new NormaBatchNorm(this);
    }

    private Settings settings() {
      var rule = new RunningRule(momentum, false, true, false);
      return new Settings(axis, epsilon, rule, threads, EngineFirst.load(kernels));
    }
  }
}
