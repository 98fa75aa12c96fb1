package dev.norma;

import java.lang.foreign.MemorySegment;

/**
 * An RMS normalization with its state: gamma and its gradient.
 *
 * <p>Each row, which is all elements of the last axes of a tensor, is normalized by the root of its own mean square,
 * then scaled element by element (Zhang and Sennrich, <a
 * href="https://arxiv.org/abs/1910.07467">arXiv:1910.07467</a>, equation 4):
 *
 * <pre>
 *   xHat = x * invRms,  invRms = 1 / sqrt(mean of x^2 + epsilon)
 *   y    = gamma * xHat
 * </pre>
 *
 * <p>It does not depend on the batch: training and inference compute the same. With {@code g = gamma * dy} the backward
 * pass gives
 *
 * <pre>
 *   dx     = invRms * (g - xHat * mean of g * xHat)    mean over the row
 *   dgamma = sum of dy * xHat over the rows
 * </pre>
 *
 * <pre>{@code
 * try (Arena arena = Arena.ofConfined();
 *     RmsNorm layer = RmsNorm.builder(768).build()) {
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
public final class RmsNorm extends RowLayer {
  private RmsNorm(Builder builder) {
    super(builder, builder.shape, false, false);
  }

  /**
   * Starts to build a layer with gamma and epsilon 1e-5, the default of ONNX, for {@link DataType#FLOAT32}. PyTorch
   * takes the machine epsilon of the data type, 2^-23 for float, if it is not told another.
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
    kernels.rmsNormForward(norm, x, affine.gamma, y, invStd, scratch);
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
    kernels.rmsNormBackward(norm, x, dy, affine.gamma, invStd, dx, affine.gammaGradient, scratch);
  }

  @Override
  String parameterNames() {
    return "gamma";
  }

  /** What a layer is. Each method returns the builder. */
  public static final class Builder extends LayerBuilder<Builder> {
    private final NormalizedShape shape;

    private Builder(NormalizedShape shape) {
      this.shape = shape;
    }

    @Override
    Builder self() {
      return this;
    }

    /**
     * Builds the layer: gamma is ones. It holds memory off the heap and must be closed.
     *
     * @return a new layer
     * @throws dev.norma.bindings.NormaLibraryException if the native library cannot be loaded
     */
    public RmsNorm build() {
      return new RmsNorm(this);
    }
  }
}
