package dev.norma.djl;

import ai.djl.nn.Parameter;
import ai.djl.pytorch.engine.PtNDArray;
import dev.norma.LayerNormDescriptor;
import java.util.List;
import java.util.Optional;

/**
 * RMS normalization by Norma's kernels, as a block for networks of Deep Java Library's PyTorch engine, which has none
 * of its own. Its files are those of {@link NormaLayerNorm} without beta.
 *
 * <p>The elements of the last axes ({@link Builder#axis}; all but the first by default) are a row that is normalized by
 * the root of its mean square (Zhang and Sennrich, <a href="https://arxiv.org/abs/1910.07467">arXiv:1910.07467</a>,
 * equation 4):
 *
 * <pre>
 *   y = gamma * x / sqrt(mean of x^2 + epsilon)
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
public final class NormaRmsNorm extends RowBlock {
  private final Settings settings;
  private final Parameter gamma;

  private NormaRmsNorm(Builder builder) {
    super(builder.axes());
    settings = builder.settings();
    gamma = addParameter("gamma", Parameter.Type.GAMMA, builder.scale());
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
    ParameterValue scale = values.of(gamma);
    LayerNormDescriptor norm = rows(x, scale, settings);
    return Passes.run(RmsNormPass.of(settings.kernels(), norm, scale, tape), x, List.of(scale), tape);
  }

  /** What to build. */
  public static final class Builder extends RowBuilder<Builder> {

    private Builder() {}

    @Override
    Builder self() {
      return this;
    }

    /**
     * Builds the block. Loads the engine's native library and then the kernels, if they are not loaded yet: in this
     * order both share one OpenMP runtime.
     *
     * @return a new block, to be initialized by a trainer or loaded from a file
     * @throws IllegalArgumentException if the PyTorch engine is not on the class path
     */
    public NormaRmsNorm build() {
      return new NormaRmsNorm(this);
    }
  }
}
