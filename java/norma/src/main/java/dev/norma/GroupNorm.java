package dev.norma;

import static java.lang.foreign.MemorySegment.NULL;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Optional;

/**
 * A group normalization layer with its state: gamma, beta, and their gradients.
 *
 * <p>The channels of each image are normalized in groups of neighbours, each group by the mean and biased variance of
 * its {@code M = C / G * S} values, then scaled and shifted channel by channel (Wu and He, <a
 * href="https://arxiv.org/abs/1803.08494">arXiv:1803.08494</a>, equations 1 to 7):
 *
 * <pre>
 *   xHat = (x - mean) * invStd,  invStd = 1 / sqrt(variance + epsilon)
 *   y    = gamma * xHat + beta
 * </pre>
 *
 * <p>It does not depend on the batch: training and inference compute the same. With {@code g = gamma * dy} the backward
 * pass gives
 *
 * <pre>
 *   dx     = invStd * (g - mean of g - xHat * mean of g * xHat)    means over the group
 *   dgamma = sum of dy * xHat over the images and positions
 *   dbeta  = sum of dy over the images and positions
 * </pre>
 *
 * <pre>{@code
 * try (Arena arena = Arena.ofConfined();
 *     GroupNorm layer = GroupNorm.builder(8, 64).build()) {
 *   Tensor x = Tensor.allocate(arena, DataType.FLOAT32, Layout.CHANNELS_FIRST, 2, 64, 56, 56);
 *   Tensor y = Tensor.allocate(arena, DataType.FLOAT32, Layout.CHANNELS_FIRST, 2, 64, 56, 56);
 *   Tensor dy = Tensor.allocate(arena, DataType.FLOAT32, Layout.CHANNELS_FIRST, 2, 64, 56, 56);
 *   // ... fill x
 *   layer.forward(x, y);
 *   // ... fill dy with the gradient of the loss by y
 *   layer.backward(x, dy, dy); // dy becomes the gradient by x
 *   layer.step(GradientDescent.of(0.1));
 *   layer.infer(x, y);
 * }
 * }</pre>
 *
 * <p>A group of one value has the variance 0: its y is beta.
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
 *       overlapping output;
 *   <li>{@link IllegalStateException}: the layer or the arena of a tensor is closed; backward before forward; step
 *       before backward;
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
public final class GroupNorm extends GroupLayer {
  private GroupNorm(Builder builder) {
    super(builder, builder.channels, builder.groups);
  }

  /**
   * Starts to build a layer with the defaults of PyTorch: gamma, beta and epsilon 1e-5, for {@link DataType#FLOAT32}.
   *
   * @param groups at least 1, a divisor of the channels
   * @param channels at least 1
   * @return a builder
   * @throws IllegalArgumentException if there is no channel, or the groups do not divide them
   */
  public static Builder builder(long groups, long channels) {
    return new Builder(groups, channels);
  }

  /**
   * The number of groups of channels.
   *
   * @return G
   */
  public long groups() {
    return groupsOfImage();
  }

  @Override
  void normalize(
      GroupNormDescriptor norm,
      MemorySegment x,
      MemorySegment y,
      MemorySegment mean,
      MemorySegment invStd,
      MemorySegment scratch) {
    kernels.groupNormForward(norm, x, affine.gamma, affine.beta, y, mean, NULL, invStd, scratch);
  }

  @Override
  LayerFile file(Path file) {
    return new LayerFile(file, epsilon(), dataType(), new long[] {channels()}, affine, Optional.empty());
  }

  /** What a layer is. Each method returns the builder. */
  public static final class Builder extends LayerBuilder<Builder> {
    private final long groups;
    private final long channels;

    private Builder(long groups, long channels) {
      this.channels = requireChannels(channels);
      this.groups = GroupNormDescriptor.requireGroups(groups, channels);
    }

    @Override
    Builder self() {
      return this;
    }

    /**
     * Builds the layer: gamma is ones, beta zeros. It holds memory off the heap and must be closed.
     *
     * @return a new layer
     * @throws dev.norma.bindings.NormaLibraryException if the native library cannot be loaded
     */
    public GroupNorm build() {
      return new GroupNorm(this);
    }
  }
}
