package dev.norma;

import static java.lang.foreign.MemorySegment.NULL;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Optional;

/**
 * A batch normalization layer with its state: gamma, beta, their gradients, and running statistics.
 *
 * <p>Each channel is normalized by the mean and the biased variance of its M = N * S values, then scaled and shifted
 * (Ioffe and Szegedy, <a href="https://arxiv.org/abs/1502.03167">arXiv:1502.03167</a>, algorithm 1):
 *
 * <pre>
 *   y = gamma * (x - mean) / sqrt(variance + epsilon) + beta
 * </pre>
 *
 * <p>One step of training is a forward pass, a loss and its gradient by y, a backward pass and a step of gradient
 * descent:
 *
 * <pre>{@code
 * try (Arena arena = Arena.ofConfined();
 *     BatchNorm layer = BatchNorm.builder(3).momentum(0.9).build()) {
 *   Tensor x = Tensor.allocate(arena, DataType.FLOAT32, Layout.CHANNELS_FIRST, 8, 3, 32, 32);
 *   Tensor y = Tensor.allocate(arena, DataType.FLOAT32, Layout.CHANNELS_FIRST, 8, 3, 32, 32);
 *   Tensor dy = Tensor.allocate(arena, DataType.FLOAT32, Layout.CHANNELS_FIRST, 8, 3, 32, 32);
 *   // ... fill x
 *   layer.forward(x, y);
 *   // ... fill dy with the gradient of the loss by y
 *   layer.backward(x, dy, dy); // dy becomes the gradient by x
 *   layer.step(GradientDescent.of(0.1).withMomentum(0.9));
 *   layer.infer(x, y); // by running statistics
 *   layer.save(Path.of("layer.safetensors"));
 * }
 * }</pre>
 *
 * <h2>Momentum</h2>
 *
 * Running statistics follow the batches; there are two ways to say how fast, and the builder has a method for each:
 *
 * <ul>
 *   <li>{@code momentum(0.9)}: the OLD value keeps 0.9 (Keras, ONNX, Caffe);
 *   <li>{@code updateWeight(0.1)}: the NEW batch has weight 0.1 (PyTorch calls this one momentum). The two are the
 *       same.
 * </ul>
 *
 * <h2>ReLU and residuals</h2>
 *
 * A layer that was built with {@link Activation#RELU} gives {@code y = max(0, z)}, where z is what is said above, and
 * takes a residual to be added to z, as at the end of a block of a residual network. That costs no pass over the memory
 * of its own:
 *
 * <pre>{@code
 * try (BatchNorm layer = BatchNorm.builder(64).activation(Activation.RELU).build()) {
 *   layer.forward(x, residual, y); // y = max(0, z + residual)
 *   layer.backward(x, residual, dy, dx, dy); // dy becomes the gradient by the residual
 * }
 * }</pre>
 *
 * <p>Without a residual its methods are called as those of any layer.
 *
 * <h2>After training</h2>
 *
 * {@link #populationStatistics} takes the statistics for inference from a whole data set; {@link #fold} makes the layer
 * a part of the convolution or dense layer before it.
 *
 * <h2>Tensors</h2>
 *
 * Tensors have the layer's channels and data type, any batch and spatial extents, either layout; those of one call are
 * alike. Their memory is used in place, without a copy. An output may not overlap another argument, except that y may
 * be x or the residual, and that dx or the gradient by the residual may be dy.
 *
 * <h2>Errors</h2>
 *
 * Every mistake is an exception before anything is computed, and leaves the layer and all tensors as they were:
 *
 * <ul>
 *   <li>{@link IllegalArgumentException}: another number of channels, data type, layout or extents; a read-only or
 *       overlapping output; one value per channel in training, which has no variance;
 *   <li>{@link IllegalStateException}: the layer or the arena of a tensor is closed; backward before forward, or with
 *       a residual where forward had none, or the other way round; step before backward; a residual for a layer
 *       without ReLU;
 *   <li>{@link WrongThreadException}: a tensor belongs to another thread; the message says to which;
 *   <li>{@link java.util.ConcurrentModificationException}: another thread is using the layer;
 *   <li>{@link NullPointerException}: an argument is null.
 * </ul>
 *
 * What C reports, such as that there is no memory, is a {@link NormaException}, and nothing has changed either.
 *
 * <h2>Threads</h2>
 *
 * {@code infer} may be called by any number of threads at once. Every other method wants the layer for itself and
 * throws a {@link java.util.ConcurrentModificationException} if it cannot have it; nothing ever waits. Inside a call
 * the work is spread over {@link Builder#threads} threads; the results have the same bits for any number of them.
 *
 * <p>Calls allocate nothing on the Java heap once a shape is known.
 */
public final class BatchNorm extends Layer {
  private final BatchNormSettings settings;
  private final Kernels uncheckedKernels;
  private final BatchNormState state;
  private final BatchNormPasses passes;
  private long forwardBatch;
  private long forwardSpatial;
  private boolean forwardHadResidual;

  private BatchNorm(Builder builder, BatchNormSettings settings) {
    super(builder, settings.channels(), true);
    this.settings = settings;
    this.uncheckedKernels = ValidatedKernels.withoutChecks(kernels);
    this.state = new BatchNormState(settings, memory, affine);
    this.passes = new BatchNormPasses(settings, kernels, state);
  }

  /**
   * Starts to build a layer with the preset {@link Builder#defaults}, for {@link DataType#FLOAT32}.
   *
   * @param channels the number of channels, at least 1
   * @return a builder
   * @throws IllegalArgumentException if there is no channel
   */
  public static Builder builder(long channels) {
    return new Builder(channels);
  }

  /**
   * Forward for training: normalizes by the statistics of the batch, which {@link #batchMean} and {@link
   * #batchVariance} then show, and updates the running statistics.
   *
   * @param x input, with more than one value per channel
   * @param y output, like x; may be x, but then {@link #backward(Tensor, Tensor, Tensor)} needs a copy of x that the
   *     caller kept
   */
  public void forward(Tensor x, Tensor y) {
    guard.enterToWrite("forward");
    try {
      settings.requireTensor("x", x);
      requireLike("y", y, x);
      forward(x, NULL, y);
    } finally {
      guard.leaveWriting();
    }
  }

  /**
   * Forward for training as {@link #forward(Tensor, Tensor)}, with a residual that is added before ReLU: {@code y =
   * max(0, z + residual)}.
   *
   * @param x input, with more than one value per channel
   * @param residual input, like x
   * @param y output, like x; may be x or residual, but then {@link #backward(Tensor, Tensor, Tensor, Tensor, Tensor)}
   *     needs a copy of it that the caller kept
   * @throws IllegalStateException if the layer was built without {@link Activation#RELU}
   */
  public void forward(Tensor x, Tensor residual, Tensor y) {
    guard.enterToWrite("forward");
    try {
      requireRelu("forward");
      settings.requireTensor("x", x);
      requireLike("residual", residual, x);
      requireLike("y", y, x);
      forward(x, residual.segment(), y);
    } finally {
      guard.leaveWriting();
    }
  }

  private void forward(Tensor x, MemorySegment residual, Tensor y) {
    passes.forwardTraining(x, residual, y);
    forwardBatch = x.batch();
    forwardSpatial = x.spatial();
    forwardHadResidual = residual.address() != 0;
    state.running.follow(uncheckedKernels, x.batch() * x.spatial(), state.batchMean, state.batchVariance);
  }

  /**
   * Forward for inference: normalizes by the running statistics and changes no state. May be called by several threads
   * at once.
   *
   * @param x input
   * @param y output, like x; may be x
   */
  public void infer(Tensor x, Tensor y) {
    guard.enterToRead("infer");
    try {
      settings.requireTensor("x", x);
      requireLike("y", y, x);
      passes.forwardInference(x, NULL, y);
    } finally {
      guard.leaveReading();
    }
  }

  /**
   * Forward for inference as {@link #infer(Tensor, Tensor)}, with a residual that is added before ReLU: {@code y =
   * max(0, z + residual)}. May be called by several threads at once.
   *
   * @param x input
   * @param residual input, like x
   * @param y output, like x; may be x or residual
   * @throws IllegalStateException if the layer was built without {@link Activation#RELU}
   */
  public void infer(Tensor x, Tensor residual, Tensor y) {
    guard.enterToRead("infer");
    try {
      requireRelu("infer");
      settings.requireTensor("x", x);
      requireLike("residual", residual, x);
      requireLike("y", y, x);
      passes.forwardInference(x, residual.segment(), y);
    } finally {
      guard.leaveReading();
    }
  }

  /**
   * Backward for training, through the last {@link #forward(Tensor, Tensor)}: the gradients of a loss by x, gamma and
   * beta. The latter two overwrite {@link #gammaGradient} and {@link #betaGradient}. With {@code xHat = (x - mean) *
   * invStd}:
   *
   * <pre>
   *   dbeta  = sum of dy over the channel
   *   dgamma = sum of dy * xHat over the channel
   *   dx     = gamma * invStd * (dy - dbeta / M - xHat * dgamma / M)
   * </pre>
   *
   * Mean and variance depend on x, so every x_j moves every xHat_i of its channel:
   * {@code d xHat_i / d x_j = invStd * ([i == j] - 1 / M - xHat_i * xHat_j / M)}. The last term is the product of two
   * different deviations; where a text prints {@code (x_1 - mean)^2} for i != j as well, the text is wrong.
   *
   * <p>Behind ReLU, 0 stands for dy where the forward pass had {@code z <= 0}; that is found out from x, gamma and
   * beta, which must be as they were then.
   *
   * @param x the input of the last forward pass, as it was then
   * @param dy the gradient of the loss by y, like x
   * @param dx output, the gradient of the loss by x, like x; may be dy
   * @throws IllegalStateException if there was no forward pass, or it had a residual
   */
  public void backward(Tensor x, Tensor dy, Tensor dx) {
    guard.enterToWrite("backward");
    try {
      requireGradientTensors(x, dy, dx);
      requireForwardOf(x, false);
      passes.backwardTraining(x, NULL, dy, dx, NULL);
      gradientsAreThere();
    } finally {
      guard.leaveWriting();
    }
  }

  /**
   * Backward for training, through the last {@link #forward(Tensor, Tensor, Tensor)}: as {@link #backward(Tensor,
   * Tensor, Tensor)}, and the gradient by the residual, which is what ReLU lets through of dy: {@code dresidual = dy}
   * where {@code z + residual > 0} or NaN, else 0.
   *
   * @param x the input of the last forward pass, as it was then
   * @param residual the residual of the last forward pass, as it was then
   * @param dy the gradient of the loss by y, like x
   * @param dx output, the gradient of the loss by x, like x; may be dy
   * @param dresidual output, the gradient of the loss by residual, like x; may be dy, if dx is not
   * @throws IllegalStateException if there was no forward pass, or it had no residual
   */
  public void backward(Tensor x, Tensor residual, Tensor dy, Tensor dx, Tensor dresidual) {
    guard.enterToWrite("backward");
    try {
      requireRelu("backward");
      requireGradientTensors(x, dy, dx);
      requireLike("residual", residual, x);
      requireLike("dresidual", dresidual, x);
      requireForwardOf(x, true);
      passes.backwardTraining(x, residual.segment(), dy, dx, dresidual.segment());
      gradientsAreThere();
    } finally {
      guard.leaveWriting();
    }
  }

  private void requireForwardOf(Tensor x, boolean withResidual) {
    if (forwardBatch == 0) {
      throw new IllegalStateException("backward needs a forward pass before it");
    }
    if (forwardHadResidual != withResidual) {
      throw new IllegalStateException(
          "backward: the last forward pass had "
              + (forwardHadResidual
                  ? "a residual, which its gradients depend on: backward(x, residual, dy, dx, dresidual)"
                  : "no residual: backward(x, dy, dx)"));
    }
    if (x.batch() != forwardBatch || x.spatial() != forwardSpatial) {
      throw new IllegalArgumentException(
          "x is %s, but the last forward pass had batch %d and spatial %d"
              .formatted(x, forwardBatch, forwardSpatial));
    }
  }

  /**
   * Backward for inference mode, through {@link #infer(Tensor, Tensor)}: the running statistics are constants, so
   * {@code dx = gamma * dy / sqrt(runningVar + epsilon)}, with 0 for dy where ReLU gave 0. The gradients by gamma and
   * beta overwrite {@link #gammaGradient} and {@link #betaGradient}.
   *
   * @param x the input of the forward pass
   * @param dy the gradient of the loss by y, like x
   * @param dx output, the gradient of the loss by x, like x; may be dy
   */
  public void backwardInference(Tensor x, Tensor dy, Tensor dx) {
    guard.enterToWrite("backwardInference");
    try {
      requireGradientTensors(x, dy, dx);
      passes.backwardInference(x, NULL, dy, dx, NULL);
      gradientsAreThere();
    } finally {
      guard.leaveWriting();
    }
  }

  /**
   * Backward for inference mode, through {@link #infer(Tensor, Tensor, Tensor)}: as {@link #backwardInference(Tensor,
   * Tensor, Tensor)}, and the gradient by the residual, which is what ReLU lets through of dy.
   *
   * @param x the input of the forward pass
   * @param residual the residual of the forward pass
   * @param dy the gradient of the loss by y, like x
   * @param dx output, the gradient of the loss by x, like x; may be dy
   * @param dresidual output, the gradient of the loss by residual, like x; may be dy, if dx is not
   * @throws IllegalStateException if the layer was built without {@link Activation#RELU}
   */
  public void backwardInference(Tensor x, Tensor residual, Tensor dy, Tensor dx, Tensor dresidual) {
    guard.enterToWrite("backwardInference");
    try {
      requireRelu("backwardInference");
      requireGradientTensors(x, dy, dx);
      requireLike("residual", residual, x);
      requireLike("dresidual", dresidual, x);
      passes.backwardInference(x, residual.segment(), dy, dx, dresidual.segment());
      gradientsAreThere();
    } finally {
      guard.leaveWriting();
    }
  }

  private void requireRelu(String what) {
    if (settings.activation() != Activation.RELU) {
      throw new IllegalStateException(
          what + ": a residual is added before ReLU, and the layer was built without: activation(Activation.RELU)");
    }
  }

  private void requireGradientTensors(Tensor x, Tensor dy, Tensor dx) {
    settings.requireTensor("x", x);
    requireLike("dy", dy, x);
    requireLike("dx", dx, x);
  }

  /**
   * Folds this layer into the dense layer or convolution before it, for inference without normalization. Both are
   * linear, so that layer can do the work of both with other weights and another bias (Jacob et al., <a
   * href="https://arxiv.org/abs/1712.05877">arXiv:1712.05877</a>, section 3.2). With {@code scale = gamma /
   * sqrt(runningVar + epsilon)} of each channel:
   *
   * <pre>
   *   foldedWeights = weights * scale
   *   foldedBias    = (bias - runningMean) * scale + beta
   * </pre>
   *
   * computed in double and rounded once. Where {@code runningVar + epsilon} is 0, so is the scale, as in {@link
   * #infer(Tensor, Tensor)}. What comes out of the folded layer differs from what {@code infer} gives by rounding, of
   * which each folded weight and the bias have half a unit in the last place. ReLU is not linear and stays to be done.
   *
   * <p>Weights have the layer's data type; their first extent is the layer's channels, as in PyTorch and ONNX: {@code
   * [C, inputs]} of a dense layer, {@code [C, inputs, height, width]} of a convolution, with {@code inputs / groups}
   * where it has groups, in either layout. The bias is C parameters, like {@link #beta}. This layer stays as it is.
   *
   * <pre>{@code
   * layer.fold(weights, bias, weights, bias); // in place
   * }</pre>
   *
   * @param weights of the layer before
   * @param bias of the layer before, off the heap; {@link MemorySegment#NULL} if it has none
   * @param foldedWeights output, like weights; may be weights
   * @param foldedBias output, C parameters off the heap; may be bias
   */
  public void fold(Tensor weights, MemorySegment bias, Tensor foldedWeights, MemorySegment foldedBias) {
    guard.enterToRead("fold");
    try {
      settings.requireWeights(weights);
      requireLike("foldedWeights", foldedWeights, "weights", weights);
      kernels.fold(
          settings.dataType(),
          settings.channels(),
          weights.size() / settings.channels(),
          settings.epsilon(),
          weights.segment(),
          bias,
          affine.gamma,
          affine.beta,
          state.running.mean,
          state.running.variance,
          foldedWeights.segment(),
          foldedBias);
    } finally {
      guard.leaveReading();
    }
  }

  /**
   * Starts to collect the statistics of a whole data set, which are better for inference than the running ones. The
   * layer stays as it is until they are {@link PopulationStatistics#store stored}.
   *
   * @return statistics of nothing yet
   * @throws IllegalStateException if the layer is closed
   */
  public PopulationStatistics populationStatistics() {
    guard.requireOpen("populationStatistics");
    return new PopulationStatistics(settings, uncheckedKernels, state, passes, guard);
  }

  /**
   * The number of channels.
   *
   * @return C
   */
  public long channels() {
    return settings.channels();
  }

  /**
   * What is done to what has been normalized.
   *
   * @return the activation
   */
  public Activation activation() {
    return settings.activation();
  }

  /**
   * How running statistics follow the batches.
   *
   * @return the rule
   */
  public RunningRule runningRule() {
    return settings.runningRule();
  }

  /**
   * The shift of each channel, zeros at first: a live view of C parameters, as {@link #gamma}.
   *
   * @return beta
   * @throws IllegalStateException if the layer has none, or is closed
   */
  public MemorySegment beta() {
    return parameter("beta", affine.beta);
  }

  /**
   * The gradient by beta of the last backward pass: a live view of C parameters, as {@link #gamma}.
   *
   * @return dbeta
   * @throws IllegalStateException if the layer has none, or is closed
   */
  public MemorySegment betaGradient() {
    return parameter("betaGradient", affine.betaGradient);
  }

  /**
   * The running mean, zeros at first: a live view of C parameters, as {@link #gamma}.
   *
   * @return the running mean
   * @throws IllegalStateException if the layer is closed
   */
  public MemorySegment runningMean() {
    return view("runningMean", state.running.mean);
  }

  /**
   * The running variance without epsilon, ones at first: a live view of C parameters, as {@link #gamma}.
   *
   * @return the running variance
   * @throws IllegalStateException if the layer is closed
   */
  public MemorySegment runningVar() {
    return view("runningVar", state.running.variance);
  }

  /**
   * The mean of the last forward pass: a live view of C doubles, whatever the data type.
   *
   * @return the mean of the batch
   * @throws IllegalStateException if the layer is closed
   */
  public MemorySegment batchMean() {
    return view("batchMean", state.batchMean);
  }

  /**
   * The biased variance of the last forward pass, without epsilon: a live view of C doubles, whatever the data type.
   *
   * @return the variance of the batch
   * @throws IllegalStateException if the layer is closed
   */
  public MemorySegment batchVariance() {
    return view("batchVariance", state.batchVariance);
  }

  /**
   * How many batches the running statistics follow.
   *
   * @return the count, without refused batches
   * @throws IllegalStateException if the layer is closed
   */
  public long batches() {
    guard.requireOpen("batches");
    return state.running.batches();
  }

  /**
   * How many batches were refused because they would have made a running statistic NaN or infinite.
   *
   * @return the count, always 0 without {@link Builder#refuseNonFinite}
   * @throws IllegalStateException if the layer is closed
   */
  public long refused() {
    guard.requireOpen("refused");
    return state.running.refused();
  }

  @Override
  LayerFile file(Path file) {
    var shape = new long[] {settings.channels()};
    return new LayerFile(file, epsilon(), dataType(), shape, affine, Optional.of(state.running));
  }

  @Override
  void forgetForward() {
    forwardBatch = 0;
  }

  @Override
  void free() {
    passes.close();
  }

  /** What a layer is and how it follows the batches. Each method returns the builder. */
  public static final class Builder extends RunningLayerBuilder<Builder> {
    private final long channels;
    private Activation activation = Activation.NONE;

    private Builder(long channels) {
      if (channels < 1) {
        throw new IllegalArgumentException("channels must be at least 1, not " + channels);
      }
      this.channels = channels;
      defaults();
    }

    @Override
    Builder self() {
      return this;
    }

    /**
     * Norma's preset: momentum 0.9 kept by the old value, epsilon 1e-5, biased running variance.
     *
     * @return this builder
     */
    public Builder defaults() {
      return preset(0.9, 1e-5, false);
    }

    /**
     * PyTorch's preset: weight 0.1 of the new batch, epsilon 1e-5, unbiased running variance.
     *
     * @return this builder
     */
    public Builder pytorch() {
      return preset(0.9, 1e-5, true);
    }

    /**
     * The preset of Keras: momentum 0.99 kept by the old value, epsilon 1e-3, biased running variance.
     *
     * @return this builder
     */
    public Builder keras() {
      return preset(0.99, 1e-3, false);
    }

    /**
     * The preset of ONNX: momentum 0.9 kept by the old value, epsilon 1e-5, biased running variance.
     *
     * @return this builder
     */
    public Builder onnx() {
      return preset(0.9, 1e-5, false);
    }

    private Builder preset(double momentum, double epsilon, boolean unbiased) {
      return epsilon(epsilon).momentum(momentum).unbiasedVariance(unbiased);
    }

    /**
     * What the layer does with what it has normalized; {@link Activation#NONE}, if not set. Not part of the state that
     * is saved.
     *
     * @param activation {@link Activation#RELU} for {@code max(0, z)}, which may have a residual before it
     * @return this builder
     */
    public Builder activation(Activation activation) {
      this.activation = Objects.requireNonNull(activation, "activation");
      return this;
    }

    /**
     * Builds the layer: gamma and running variance are ones, beta and running mean zeros. It holds memory off the heap
     * and must be closed.
     *
     * @return a new layer
     * @throws dev.norma.bindings.NormaLibraryException if the native library cannot be loaded
     */
    public BatchNorm build() {
      return new BatchNorm(
          this, new BatchNormSettings(channels, dataType(), epsilon(), rule(), activation, threads()));
    }
  }
}
