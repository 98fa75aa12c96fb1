package dev.norma.djl;

import ai.djl.MalformedModelException;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Parameter;
import ai.djl.pytorch.engine.PtNDArray;
import dev.norma.GroupNormDescriptor;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.Optional;

/**
 * Group normalization by Norma's kernels, as a block for networks of Deep Java Library's PyTorch engine, for which the
 * library itself has none.
 *
 * <p>The channels are in groups of neighbours, and each group of each image is normalized by the mean and the (biased)
 * variance of its own values (Wu and He, <a href="https://arxiv.org/abs/1803.08494">arXiv:1803.08494</a>, equations 1
 * to 7):
 *
 * <pre>
 *   y = gamma_c * (x - mean) / sqrt(variance + epsilon) + beta_c
 * </pre>
 *
 * <p>Input: FLOAT32 or FLOAT64 on the CPU, 2 or more dimensions, the batch on axis 0 and the channels on axis 1 (NC,
 * NCW, NCHW, NCDHW). The data type is that of the parameters. Output: a new array of the same shape in the manager of
 * the input. The kernels read and write the memory of the engine's arrays; nothing is copied, except that an input that
 * is not contiguous (a transposed array, for example) is first copied into a contiguous one by the engine.
 *
 * <p>Training and evaluation compute the same. A training pass needs the gradient collector of a {@link NormaTrainer}
 * (or a {@link NormaGradientCollector}). An evaluation pass needs none; inside one, it has gradients as well.
 *
 * <p>Exceptions of a pass, all before anything has changed: {@link IllegalArgumentException} for an array of another
 * engine, device, data type, number of dimensions or channels; {@link IllegalStateException} for a training pass
 * outside a collector.
 *
 * <p>Threads: evaluation passes may run on many threads at once. Training is for one thread, like the engine's.
 */
public final class NormaGroupNorm extends ChannelBlock {
  private static final byte VERSION = 1;

  private final Settings settings;
  private final int groups;
  private final Parameter gamma;
  private final Parameter beta;

  private NormaGroupNorm(Builder builder) {
    super(VERSION, 1);
    settings = builder.settings();
    groups = builder.groups;
    gamma = addParameter("gamma", Parameter.Type.GAMMA, builder.scale());
    beta = addParameter("beta", Parameter.Type.BETA, builder.center());
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
    GroupNormDescriptor norm = Inputs.groupNorm(x, groups, affine.gamma(), settings);
    return Passes.run(GroupNormPass.of(settings.kernels(), norm, affine, tape), x, affine.parameters(), tape);
  }

  @Override
  protected void beforeInitialize(Shape... inputShapes) {
    super.beforeInitialize(inputShapes);
    long channels = inputShapes[0].get(axis());
    if (channels % groups != 0) {
      throw new IllegalArgumentException(
          "%d groups do not divide the %d channels of shape %s".formatted(groups, channels, inputShapes[0]));
    }
  }

  @Override
  protected void saveMetadata(DataOutputStream out) throws IOException {
    super.saveMetadata(out);
    out.writeInt(groups);
  }

  @Override
  protected void loadMetadata(byte loadVersion, DataInputStream in) throws IOException, MalformedModelException {
    super.loadMetadata(loadVersion, in);
    int saved = in.readInt();
    if (saved != groups) {
      throw new MalformedModelException(
          "the file is of a group normalization with %d groups, this one has %d".formatted(saved, groups));
    }
  }

  /** What to build. */
  public static final class Builder extends CenteredBuilder<Builder> {
    private int groups;

    private Builder() {}

    @Override
    Builder self() {
      return this;
    }

    /**
     * How many groups the channels make; must be set. 1 normalizes the whole image at once, as many as there are
     * channels is instance normalization.
     *
     * @param value at least 1; a divisor of the channels
     * @return this
     * @throws IllegalArgumentException if it is below 1
     */
    public Builder setGroups(int value) {
      if (value < 1) {
        throw new IllegalArgumentException("groups must be at least 1, not " + value);
      }
      groups = value;
      return this;
    }

    /**
     * Builds the block. Loads the engine's native library and then the kernels, if they are not loaded yet: in this
     * order both share one OpenMP runtime.
     *
     * @return a new block, to be initialized by a trainer or loaded from a file
     * @throws IllegalArgumentException if the groups are not set, or the PyTorch engine is not on the class path
     */
    public NormaGroupNorm build() {
      if (groups == 0) {
        throw new IllegalArgumentException("the number of groups is missing: call setGroups");
      }
      return new NormaGroupNorm(this);
    }
  }
}
