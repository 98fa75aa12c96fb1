package dev.norma.djl;

import ai.djl.nn.Parameter;
import ai.djl.pytorch.engine.PtNDArray;
import dev.norma.LayerNormDescriptor;
import java.util.Optional;

/**
 * Layer normalization by Norma's kernels, as a block for networks of Deep Java Library's PyTorch engine. It takes the
 * place of {@link ai.djl.nn.norm.LayerNorm}: the same options with the same defaults, the same parameters under the
 * same names, the same file format in both directions.
 *
 * <p>The elements of the last axes ({@link Builder#axis}; all but the first by default) are a row that is normalized by
 * its own mean and (biased) variance (Ba, Kiros and Hinton, <a
 * href="https://arxiv.org/abs/1607.06450">arXiv:1607.06450</a>, equations 3 and 4):
 *
 * <pre>
 *   y = gamma * (x - mean) / sqrt(variance + epsilon) + beta
 * </pre>
 *
 * <p>Input: FLOAT32 or FLOAT64 on the CPU. The data type is that of the parameters, which have the shape of the
 * normalized axes. Output: a new array of the same shape in the manager of the input. The kernels read and write the
 * memory of the engine's arrays; nothing is copied, except that an input that is not contiguous (a transposed array,
 * for example) is first copied into a contiguous one by the engine.
 *
 * <p>Training and evaluation compute the same. A training pass needs the gradient collector of a {@link NormaTrainer}
 * (or a {@link NormaGradientCollector}). An evaluation pass needs none; inside one, it has gradients as well.
 *
 * <p>Exceptions of a pass, all before anything has changed: {@link IllegalArgumentException} for an array of another
 * engine, device, data type, or whose last axes have other extents; {@link IllegalStateException} for a training pass
 * outside a collector.
 *
 * <p>Threads: evaluation passes may run on many threads at once. Training is for one thread, like the engine's.
 */
public final class NormaLayerNorm extends RowBlock {
  private final Settings settings;
  private final Parameter gamma;
  private final Parameter beta;

  private NormaLayerNorm(Builder builder) {
    super(builder.axes());
    settings = builder.settings();
    gamma = addParameter("gamma", Parameter.Type.GAMMA, builder.scale());
    beta = addParameter("beta", Parameter.Type.BETA, builder.center);
  }

  /**
   * Starts to build a block.
   *
   * @return a builder with the defaults of {@link ai.djl.nn.norm.LayerNorm}
   */
  public static Builder builder() {
    return new Builder();
  }

  @Override
  PtNDArray forward(PtNDArray x, Values values, boolean training) {
    Optional<Tape> tape = Tape.of(training);
    var affine = new Affine(values.of(gamma), values.of(beta));
    LayerNormDescriptor norm = rows(x, affine.gamma(), settings);
    return Passes.run(LayerNormPass.of(settings.kernels(), norm, affine, tape), x, affine.parameters(), tape);
  }

  /** What to build; every option has the default of {@link ai.djl.nn.norm.LayerNorm}. */
  public static final class Builder extends RowBuilder<Builder> {
    private boolean center = true;

    private Builder() {}

    @Override
    Builder self() {
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
     * Builds the block. Loads the engine's native library and then the kernels, if they are not loaded yet: in this
     * order both share one OpenMP runtime.
     *
     * @return a new block, to be initialized by a trainer or loaded from a file
     * @throws IllegalArgumentException if the PyTorch engine is not on the class path
     */
    public NormaLayerNorm build() {
      return new NormaLayerNorm(this);
    }
  }
}
