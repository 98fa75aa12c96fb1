package dev.norma.djl;

import ai.djl.nn.Parameter;
import ai.djl.pytorch.engine.PtNDArray;
import dev.norma.BatchNormDescriptor;
import dev.norma.GroupNormDescriptor;
import dev.norma.Kernels;
import dev.norma.RunningRule;
import java.util.Optional;

/**
 * Instance normalization by Norma's kernels, as a block for networks of Deep Java Library's PyTorch engine, for which
 * the library itself has none.
 *
 * <p>Each channel of each image is normalized by the mean and the (biased) variance of its own S values (Ulyanov,
 * Vedaldi and Lempitsky, <a href="https://arxiv.org/abs/1607.08022">arXiv:1607.08022</a>):
 *
 * <pre>
 *   y = gamma_c * (x - mean) / sqrt(variance + epsilon) + beta_c
 * </pre>
 *
 * <p>Gamma and beta are there, as in the other blocks; PyTorch's own layer has them only if asked to.
 *
 * <p>With running statistics ({@link Builder#optTrackRunningStatistics}), which PyTorch's layer may have too, they follow
 * the averages over the images in training,
 *
 * <pre>
 *   runningMean = momentum * runningMean + (1 - momentum) * average of mean
 *   runningVar  = momentum * runningVar + (1 - momentum) * average of variance * S / (S - 1)
 * </pre>
 *
 * and take the place of mean and variance in evaluation. Without them training and evaluation compute the same.
 *
 * <p>Input: FLOAT32 or FLOAT64 on the CPU, 2 or more dimensions, the batch on axis 0 and the channels on axis 1 (NC,
 * NCW, NCHW, NCDHW). The data type is that of the parameters. Output: a new array of the same shape in the manager of
 * the input. The kernels read and write the memory of the engine's arrays; nothing is copied, except that an input that
 * is not contiguous (a transposed array, for example) is first copied into a contiguous one by the engine.
 *
 * <p>A training pass needs the gradient collector of a {@link NormaTrainer} (or a {@link NormaGradientCollector}). An
 * evaluation pass needs none; inside one, it has gradients as well.
 *
 * <p>Exceptions of a pass, all before anything has changed: {@link IllegalArgumentException} for an array of another
 * engine, device, data type, number of dimensions or channels, or for one value per channel of an image where it is
 * normalized by its own statistics: it would become beta, whatever it is; {@link IllegalStateException} for a training
 * pass outside a collector.
 *
 * <p>Threads: evaluation passes may run on many threads at once. Training is for one thread, like the engine's.
 */
public final class NormaInstanceNorm extends ChannelBlock {
  private static final byte VERSION = 1;

  private final Settings settings;
  private final RunningRule rule;
  private final Parameter gamma;
  private final Parameter beta;
  private final Optional<Parameter> runningMean;
  private final Optional<Parameter> runningVar;

  private NormaInstanceNorm(Builder builder) {
    super(VERSION, 1);
    settings = builder.settings();
    rule = builder.rule();
    gamma = addParameter("gamma", Parameter.Type.GAMMA, builder.scale());
    beta = addParameter("beta", Parameter.Type.BETA, builder.center());
    runningMean = builder.running("runningMean", Parameter.Type.RUNNING_MEAN, this);
    runningVar = builder.running("runningVar", Parameter.Type.RUNNING_VAR, this);
  }

  /**
   * Starts to build a block.
   *
   * @return a builder
   */
  public static Builder builder() {
    return new Builder();
  }

  @Override
  PtNDArray forward(PtNDArray x, Values values, boolean training) {
    Optional<Tape> tape = Tape.of(training);
    var affine = new Affine(values.of(gamma), values.of(beta));
    Optional<RunningStatistics> running = runningMean.map(mean -> running(mean, values));
    Pass pass =
        running.isPresent() && !training
            ? inference(x, affine, running.get(), tape)
            : own(x, affine, running, tape);
    return Passes.run(pass, x, affine.parameters(), tape);
  }

  private RunningStatistics running(Parameter mean, Values values) {
    return new RunningStatistics(rule, values.of(mean), values.of(runningVar.orElseThrow()));
  }

  /** By the statistics of the instances, which the running ones follow. */
  private Pass own(PtNDArray x, Affine affine, Optional<RunningStatistics> running, Optional<Tape> tape) {
    GroupNormDescriptor norm = Inputs.groupNorm(x, affine.gamma().array().size(), affine.gamma(), settings);
    if (norm.spatial() == 1) {
      throw new IllegalArgumentException(
          "one value per channel of an image has no deviation: the input, %s, needs axes of more than one position"
              .formatted(x.getShape()));
    }
    var pass = GroupNormPass.of(settings.kernels(), norm, affine, tape);
    return running.isPresent() ? new InstanceNormTraining(pass.withVariance(tape.orElseThrow()), running.get()) : pass;
  }

  private Pass inference(PtNDArray x, Affine affine, RunningStatistics running, Optional<Tape> tape) {
    BatchNormDescriptor norm = Inputs.batchNorm(x, axis(), affine.gamma(), settings);
    Kernels kernels = settings.kernels();
    return BatchNormInference.of(kernels, norm, affine, running, tape);
  }

  /** What to build. */
  public static final class Builder extends RunningBuilder<Builder> {
    private boolean hasRunning;

    private Builder() {}

    @Override
    Builder self() {
      return this;
    }

    /**
     * Whether there are running statistics, which evaluation normalizes by.
     *
     * @param value true for running statistics; default false, as in PyTorch
     * @return this
     */
    public Builder optTrackRunningStatistics(boolean value) {
      hasRunning = value;
      return this;
    }

    private Optional<Parameter> running(String name, Parameter.Type type, NormaInstanceNorm block) {
      return hasRunning ? Optional.of(block.addParameter(name, type, false)) : Optional.empty();
    }

    /**
     * Builds the block. Loads the engine's native library and then the kernels, if they are not loaded yet: in this
     * order both share one OpenMP runtime.
     *
     * @return a new block, to be initialized by a trainer or loaded from a file
     * @throws IllegalArgumentException if the PyTorch engine is not on the class path
     */
    public NormaInstanceNorm build() {
      return new NormaInstanceNorm(this);
    }
  }
}
