package dev.norma;

import java.lang.foreign.MemorySegment;

/**
 * A layer normalization with its state: gamma, beta, and their gradients.
 *
 * <p>Each row, which is all elements of the last axes of a tensor, is normalized by its own mean and biased variance,
 * then scaled and shifted element by element (Ba, Kiros and Hinton, <a
 * href="https://arxiv.org/abs/1607.06450">arXiv:1607.06450</a>, equations 3 and 4):
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
 *   dx     = invStd * (g - mean of g - xHat * mean of g * xHat)    means over the row
 *   dgamma = sum of dy * xHat over the rows
 *   dbeta  = sum of dy over the rows
 * </pre>
 *
 * <pre>{@code
 * try (Arena arena = Arena.ofConfined();
 *     LayerNorm layer = LayerNorm.builder(768).build()) {
 *   Tensor x = Tensor.rows(arena, DataType.FLOAT32, 8 * 128, 768);
 *   Tensor y = Tensor.rows(arena, DataType.FLOAT32, 8 * 128, 768);
 *   Tensor dy = Tensor.rows(arena, DataType.FLOAT32, 8 * 128, 768);
 *   // ... fill x
 *   layer.forward(x, y);
 *   // ... fill dy with the gradient of the loss by y
 *   layer.backward(x, dy, dy); // dy becomes the gradient by x
 *   layer.step(GradientDescent.of(0.1));
 *   layer.infer(x, y);
 * }
 * }</pre>
 *
 * <h2>Tensors</h2>
 *
 * Tensors have the layer's data type. Their last extents in the order of memory are the normalized shape; those before
 * may be any. So a layer for 768 takes {@link Tensor#rows} of 768 elements, tensors of {@code [8, 128, 768]} with
 * {@link Layout#CHANNELS_FIRST}, and tensors of {@code [8, 768, 14, 14]} with {@link Layout#CHANNELS_LAST}, whose
 * channels come last. Rows of as many elements as the normalized shape has in all are taken for any normalized shape.
 * Those of one call are alike. Memory is used in place, without a copy. An output may not overlap another argument,
 * except that y may be x and dx may be dy.
 *
 * <h2>Errors</h2>
 *
 * Every mistake is an exception before anything is computed, and leaves the layer and all tensors as they were:
 *
 * <ul>
 *   <li>{@link IllegalArgumentException}: other extents or another data type; a read-only or overlapping output;
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
public final class LayerNorm extends RowLayer {
  private LayerNorm(Builder builder) {
    super(builder, builder.shape, builder.bias, true);
  }

  /**
   * Starts to build a layer with the defaults of PyTorch: gamma, beta and epsilon 1e-5, for {@link DataType#FLOAT32}.
   *
   * @param normalizedShape the last extents of tensors, in the order of memory: at least one, each at least 1
   * @return a builder
   * @throws IllegalArgumentException if there is no extent, one is below 1, or their product is too large
   */
  public static Builder builder(long... normalizedShape) {
    return new Builder(new NormalizedShape(normalizedShape));
  }

  @Override
  void normalize(
      LayerNormDescriptor norm,
      MemorySegment x,
      MemorySegment y,
      MemorySegment mean,
      MemorySegment invStd,
      MemorySegment scratch) {
    kernels.layerNormForward(norm, x, affine.gamma, affine.beta, y, mean, invStd, scratch);
  }

  @Override
  void differentiate(
      LayerNormDescriptor norm,
      MemorySegment x,
      MemorySegment dy,
      MemorySegment mean,
      MemorySegment invStd,
      MemorySegment dx,
      MemorySegment scratch) {
    kernels.layerNormBackward(
        norm, x, dy, affine.gamma, mean, invStd, dx, affine.gammaGradient, affine.betaGradient, scratch);
  }

  /**
   * The shifts, zeros at first: a live view of {@link #length} parameters, as {@link #gamma}.
   *
   * @return beta
   * @throws IllegalStateException if the layer has none, or is closed
   */
  public MemorySegment beta() {
    return parameter("beta", affine.beta);
  }

  /**
   * The gradient by beta of the last backward pass: a live view, as {@link #gamma}.
   *
   * @return dbeta
   * @throws IllegalStateException if the layer has none, or is closed
   */
  public MemorySegment betaGradient() {
    return parameter("betaGradient", affine.betaGradient);
  }

  /** What a layer is. Each method returns the builder. */
  public static final class Builder extends LayerBuilder<Builder> {
    private final NormalizedShape shape;
    private boolean bias = true;

    private Builder(NormalizedShape shape) {
      this.shape = shape;
    }

    @Override
    Builder self() {
      return this;
    }

    /**
     * Whether a layer with gamma has beta, too; it has, if not set. As {@code bias} in PyTorch, whose {@code
     * elementwise_affine} is {@link #affine}.
     *
     * @param bias false for a layer that scales without a shift
     * @return this builder
     */
    public Builder bias(boolean bias) {
      this.bias = bias;
      return this;
    }

    /**
     * Builds the layer: gamma is ones, beta zeros. It holds memory off the heap and must be closed.
     *
     * @return a new layer
     * @throws dev.norma.bindings.NormaLibraryException if the native library cannot be loaded
     */
    public LayerNorm build() {
      return new LayerNorm(this);
    }
  }
}
