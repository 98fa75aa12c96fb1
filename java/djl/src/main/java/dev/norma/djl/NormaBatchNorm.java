package dev.norma.djl;

import ai.djl.MalformedModelException;
import ai.djl.nn.Parameter;
import ai.djl.pytorch.engine.PtNDArray;
import dev.norma.BatchNormDescriptor;
import dev.norma.Kernels;
import dev.norma.RunningRule;
import java.io.DataInputStream;
import java.io.IOException;
import java.util.Optional;

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
public final class NormaBatchNorm extends ChannelBlock {
  /** The version of the file format, that of {@link ai.djl.nn.norm.BatchNorm}. */
  private static final byte VERSION = 2;

  private final Settings settings;
  private final RunningRule rule;
  private final Parameter gamma;
  private final Parameter beta;
  private final Parameter runningMean;
  private final Parameter runningVar;

  private NormaBatchNorm(Builder builder) {
    super(VERSION, builder.axis);
    settings = builder.settings();
    rule = builder.rule();
    gamma = addParameter("gamma", Parameter.Type.GAMMA, builder.scale());
    beta = addParameter("beta", Parameter.Type.BETA, builder.center());
    runningMean = addParameter("runningMean", Parameter.Type.RUNNING_MEAN, false);
    runningVar = addParameter("runningVar", Parameter.Type.RUNNING_VAR, false);
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
  PtNDArray forward(PtNDArray x, Values values, boolean training) {
    Optional<Tape> tape = Tape.of(training);
    var affine = new Affine(values.of(gamma), values.of(beta));
    var running = new RunningStatistics(rule, values.of(runningMean), values.of(runningVar));
    BatchNormDescriptor norm = Inputs.batchNorm(x, axis(), affine.gamma(), settings);
    Kernels kernels = settings.kernels();
    Pass pass =
        training
            ? BatchNormTraining.of(kernels, norm, affine, running, tape.orElseThrow())
            : BatchNormInference.of(kernels, norm, affine, running, tape);
    return Passes.run(pass, x, affine.parameters(), tape);
  }

  @Override
  protected void loadMetadata(byte loadVersion, DataInputStream in) throws IOException, MalformedModelException {
    if (loadVersion == 1) {
      loadChannels(in); // no shapes
    } else {
      super.loadMetadata(loadVersion, in);
    }
  }

  /** What to build; every option has the default of {@link ai.djl.nn.norm.BatchNorm}. */
  public static final class Builder extends RunningBuilder<Builder> {
    private int axis = 1;

    private Builder() {}

    @Override
    Builder self() {
      return this;
    }

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
     * Builds the block. Loads the engine's native library and then the kernels, if they are not loaded yet: in this
     * order both share one OpenMP runtime.
     *
     * @return a new block, to be initialized by a trainer or loaded from a file
     * @throws IllegalArgumentException if the PyTorch engine is not on the class path
     */
    public NormaBatchNorm build() {
      return new NormaBatchNorm(this);
    }
  }
}
