package dev.norma;

import static java.lang.foreign.MemorySegment.NULL;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Optional;

/**
 * An instance normalization layer with its state: if wanted gamma, beta and their gradients, and running statistics.
 *
 * <p>Each channel of each image is normalized by the mean and biased variance of its S values (Ulyanov, Vedaldi and
 * Lempitsky, <a href="https://arxiv.org/abs/1607.08022">arXiv:1607.08022</a>):
 *
 * <pre>
 *   xHat = (x - mean) * invStd,  invStd = 1 / sqrt(variance + epsilon)
 *   y    = gamma * xHat + beta
 * </pre>
 *
 * <p>With {@code g = gamma * dy} the backward pass gives
 *
 * <pre>
 *   dx     = invStd * (g - mean of g - xHat * mean of g * xHat)    means over the channel of the image
 *   dgamma = sum of dy * xHat over the images and positions
 *   dbeta  = sum of dy over the images and positions
 * </pre>
 *
 * <pre>{@code
 * try (Arena arena = Arena.ofConfined();
 *     InstanceNorm layer = InstanceNorm.builder(3).affine(true).build()) {
 *   Tensor x = Tensor.allocate(arena, DataType.FLOAT32, Layout.CHANNELS_FIRST, 8, 3, 32, 32);
 *   Tensor y = Tensor.allocate(arena, DataType.FLOAT32, Layout.CHANNELS_FIRST, 8, 3, 32, 32);
 *   Tensor dy = Tensor.allocate(arena, DataType.FLOAT32, Layout.CHANNELS_FIRST, 8, 3, 32, 32);
 *   // ... fill x
 *   layer.forward(x, y);
 *   // ... fill dy with the gradient of the loss by y
 *   layer.backward(x, dy, dy); // dy becomes the gradient by x
 *   layer.step(GradientDescent.of(0.1));
 *   layer.infer(x, y);
 * }
 * }</pre>
 *
 * <h2>Running statistics</h2>
 *
 * Without them, inference computes what training does. A layer that was built with {@link
 * Builder#trackRunningStatistics} follows, in each forward pass for training, the averages of the means and variances
 * over the images, by a rule like that of {@link BatchNorm}; its variances are unbiased, {@code variance * S / (S - 1)},
 * if not told otherwise. {@link #infer} and {@link #backwardInference} then take these as constants, as batch
 * normalization does.
 *
 * <h2>One value per channel</h2>
 *
 * A channel of one value has no variance and nothing to normalize. Where a layer normalizes by the statistics of x, a
 * tensor without more than one position is an {@link IllegalArgumentException}, as it is an error in PyTorch.
 *
 * <h2>Tensors</h2>
 *
 * Tensors have the layer's channels and data type, any batch and spatial extents, either layout; those of one call are
 * alike. Their memory is used in place, without a copy. An output may not overlap another argument, except that y may
 * be x and dx may be dy.
 *
 * <h2>Errors</h2>
 *
 * Every mistake is an exception before anything is computed, and leaves the layer and all tensors as they were:
 *
 * <ul>
 *   <li>{@link IllegalArgumentException}: another number of channels, data type, layout or extents; a read-only or
 *       overlapping output; one value per channel and image;
 *   <li>{@link IllegalStateException}: the layer or the arena of a tensor is closed; backward before forward; step
 *       before backward; running statistics where there are none;
 *   <li>{@link WrongThreadException}: a tensor belongs to another thread; the message says to which;
 *   <li>{@link java.util.ConcurrentModificationException}: another thread is using the layer;
 *   <li>{@link NullPointerException}: an argument is null.
 * </ul>
 *
 * What C reports, such as that there is no memory, is a {@link NormaException}, and nothing has changed either.
 *
 * <h2>Threads</h2>
 *
 * {@link #infer} may be called by any number of threads at once. Every other method wants the layer for itself and
 * throws a {@link java.util.ConcurrentModificationException} if it cannot have it; nothing ever waits. Inside a call
 * the work is spread over {@link Builder#threads} threads; the results have the same bits for any number of them.
 *
 * <p>Calls allocate nothing on the Java heap once a shape is known.
 */
public final class InstanceNorm extends GroupLayer {
  private final Optional<Running> running;

  /** What a layer with running statistics has beside the others. */
  private final class Running {
    final RunningStatistics statistics;
    final MemorySegment mean;
    final MemorySegment variance;
    final Workspace variances = new Workspace();
    final ShapePlans<BatchNormDescriptor> plans =
        new ShapePlans<>(
            BatchNormDescriptor::isOf,
            x -> BatchNormDescriptor.of(x, epsilon(), threads()),
            norm -> kernels.workspaceSize(norm));

    Running(RunningRule rule) {
      statistics = new RunningStatistics(memory, dataType(), channels(), rule);
      mean = memory.allocate(channels() * Double.BYTES);
      variance = memory.allocate(channels() * Double.BYTES);
    }

    /** All memory is the layer's own: there is nothing to check. */
    void follow(GroupNormDescriptor norm, MemorySegment means) {
      var unchecked = ValidatedKernels.withoutChecks(kernels);
      var ofImages = variances.own(norm.statisticsBytes());
      unchecked.instanceNormAverageStatistics(norm.batch(), norm.channels(), means, ofImages, mean, variance);
      statistics.follow(unchecked, norm.spatial(), mean, variance);
    }

    void evaluate(Tensor x, Tensor y) {
      var plan = plans.of(x);
      var scratch = workspace.take(plan.workspaceBytes());
      try {
        kernels.forwardInference(
            plan.norm(),
            x.segment(),
            affine.gamma,
            affine.beta,
            statistics.mean,
            statistics.variance,
            y.segment(),
            scratch);
      } finally {
        workspace.giveBack(scratch);
      }
    }

    void differentiate(Tensor x, Tensor dy, Tensor dx) {
      var plan = plans.of(x);
      kernels.backwardInference(
          plan.norm(),
          x.segment(),
          dy.segment(),
          affine.gamma,
          statistics.mean,
          statistics.variance,
          dx.segment(),
          affine.gammaGradient,
          affine.betaGradient,
          workspace.own(plan.workspaceBytes()));
    }
  }

  private InstanceNorm(Builder builder) {
    super(builder, builder.channels, builder.channels);
    running = builder.tracking ? Optional.of(new Running(builder.rule())) : Optional.empty();
  }

  /**
   * Starts to build a layer with the defaults of PyTorch: neither gamma and beta nor running statistics, epsilon 1e-5,
   * for {@link DataType#FLOAT32}. Of running statistics, if wanted, the old value keeps 0.9, and the variance is the
   * unbiased one.
   *
   * @param channels at least 1
   * @return a builder
   * @throws IllegalArgumentException if there is no channel
   */
  public static Builder builder(long channels) {
    return new Builder(channels).affine(false).unbiasedVariance(true);
  }

  /** One position has no variance. */
  @Override
  GroupNormDescriptor describe(Tensor x) {
    if (x.spatial() == 1) {
      throw new IllegalArgumentException(
          "instance normalization needs more than one value per channel and image, but x is %s: give it more positions,"
                  .formatted(x)
              + " or normalize by batch, group or layer normalization");
    }
    return super.describe(x);
  }

  @Override
  void normalize(
      GroupNormDescriptor norm,
      MemorySegment x,
      MemorySegment y,
      MemorySegment mean,
      MemorySegment invStd,
      MemorySegment scratch) {
    var variance = running.isPresent() ? running.get().variances.own(norm.statisticsBytes()) : NULL;
    kernels.groupNormForward(norm, x, affine.gamma, affine.beta, y, mean, variance, invStd, scratch);
  }

  @Override
  void follow(GroupNormDescriptor norm, MemorySegment means) {
    if (running.isPresent()) {
      running.get().follow(norm, means);
    }
  }

  @Override
  void evaluate(Tensor x, Tensor y) {
    if (running.isPresent()) {
      running.get().evaluate(x, y);
    } else {
      super.evaluate(x, y);
    }
  }

  /**
   * Backward for inference mode, through {@link #infer} by running statistics, which are constants: {@code dx = gamma *
   * dy / sqrt(runningVar + epsilon)}. The gradients by gamma and beta overwrite {@link #gammaGradient} and {@link
   * #betaGradient}.
   *
   * @param x the input of the forward pass
   * @param dy the gradient of the loss by y, like x
   * @param dx output, the gradient of the loss by x, like x; may be dy
   * @throws IllegalStateException if the layer has no running statistics
   */
  public void backwardInference(Tensor x, Tensor dy, Tensor dx) {
    guard.enterToWrite("backwardInference");
    try {
      requireTensor("x", x);
      requireLike("dy", dy, x);
      requireLike("dx", dx, x);
      running("backwardInference").differentiate(x, dy, dx);
      gradientsAreThere();
    } finally {
      guard.leaveWriting();
    }
  }

  private Running running(String what) {
    return running.orElseThrow(
        () ->
            new IllegalStateException(
                what + ": the layer was built without running statistics: trackRunningStatistics(true)"));
  }

  /**
   * How running statistics follow the batches.
   *
   * @return the rule
   * @throws IllegalStateException if the layer has no running statistics
   */
  public RunningRule runningRule() {
    return running("runningRule").statistics.rule;
  }

  /**
   * The running mean, zeros at first: a live view of C parameters, as {@link #gamma}.
   *
   * @return the running mean
   * @throws IllegalStateException if the layer has no running statistics, or is closed
   */
  public MemorySegment runningMean() {
    return view("runningMean", running("runningMean").statistics.mean);
  }

  /**
   * The running variance without epsilon, ones at first: a live view of C parameters, as {@link #gamma}.
   *
   * @return the running variance
   * @throws IllegalStateException if the layer has no running statistics, or is closed
   */
  public MemorySegment runningVar() {
    return view("runningVar", running("runningVar").statistics.variance);
  }

  /**
   * How many batches the running statistics follow.
   *
   * @return the count, without refused batches
   * @throws IllegalStateException if the layer has no running statistics, or is closed
   */
  public long batches() {
    guard.requireOpen("batches");
    return running("batches").statistics.batches();
  }

  /**
   * How many batches were refused because they would have made a running statistic NaN or infinite.
   *
   * @return the count, always 0 without {@link Builder#refuseNonFinite}
   * @throws IllegalStateException if the layer has no running statistics, or is closed
   */
  public long refused() {
    guard.requireOpen("refused");
    return running("refused").statistics.refused();
  }

  @Override
  LayerFile file(Path file) {
    return new LayerFile(
        file,
        epsilon(),
        dataType(),
        new long[] {channels()},
        affine,
        running.map(tracked -> tracked.statistics));
  }

  @Override
  void free() {
    super.free();
    running.ifPresent(tracked -> tracked.variances.close());
  }

  /** What a layer is and how it follows the batches. Each method returns the builder. */
  public static final class Builder extends RunningLayerBuilder<Builder> {
    private final long channels;
    private boolean tracking;

    private Builder(long channels) {
      this.channels = requireChannels(channels);
    }

    @Override
    Builder self() {
      return this;
    }

    /**
     * Whether the layer has running statistics, by which it then infers; it has none, if not set. What else is said of
     * them matters only where they are.
     *
     * @param track true for running statistics
     * @return this builder
     */
    public Builder trackRunningStatistics(boolean track) {
      tracking = track;
      return this;
    }

    /**
     * Builds the layer: gamma and running variance are ones, beta and running mean zeros, where it has them. It holds
     * memory off the heap and must be closed.
     *
     * @return a new layer
     * @throws dev.norma.bindings.NormaLibraryException if the native library cannot be loaded
     */
    public InstanceNorm build() {
      return new InstanceNorm(this);
    }
  }
}
