package dev.norma;

import java.lang.foreign.MemorySegment;

/**
 * Layer and RMS normalization on memory: each row of a tensor is normalized by itself. What holds for every method
 * stands at {@link Kernels}.
 *
 * <p>A tensor is R x L elements of the descriptor's data type, one row after the other. Parameters (gamma, beta, their
 * gradients) are L elements of its {@link DataType#parameterType}, statistics (mean, invStd, invRms) R doubles. A NaN
 * or an infinity makes its row NaN or infinite, and no other, but for gradients of parameters, which are sums over the
 * rows, and but for RMS normalization, where the inverse of an infinite root makes zeros of what is finite in y.
 *
 * <p>Formulas: Ba, Kiros and Hinton, <a href="https://arxiv.org/abs/1607.06450">arXiv:1607.06450</a>, equations 3 and
 * 4; Zhang and Sennrich, <a href="https://arxiv.org/abs/1910.07467">arXiv:1910.07467</a>, equation 4.
 */
public interface LayerNormKernels {
  /**
   * The workspace that is enough for every method that takes this descriptor.
   *
   * @param norm the descriptor
   * @return the size in bytes, 0 if none is needed
   */
  long workspaceSize(LayerNormDescriptor norm);

  /**
   * Forward of layer normalization. Mean and biased variance are those of a row:
   *
   * <pre>
   *   xHat = (x - mean) * invStd,  invStd = 1 / sqrt(variance + epsilon)
   *   y    = gamma * xHat + beta
   * </pre>
   *
   * Where {@code variance + epsilon} is 0, invStd is 0 and y is beta.
   *
   * @param norm the descriptor
   * @param x in, tensor
   * @param gamma in, parameters, or NULL for ones
   * @param beta in, parameters, or NULL for zeros
   * @param y out, tensor; in place (y is x) is allowed
   * @param mean out, statistics, or NULL if not wanted
   * @param invStd out, statistics, or NULL if not wanted
   * @param workspace scratch, or NULL
   */
  void layerNormForward(
      LayerNormDescriptor norm,
      MemorySegment x,
      MemorySegment gamma,
      MemorySegment beta,
      MemorySegment y,
      MemorySegment mean,
      MemorySegment invStd,
      MemorySegment workspace);

  /**
   * Backward of layer normalization, by the statistics of the forward pass. With {@code g = gamma * dy}, and means over
   * the row:
   *
   * <pre>
   *   dx     = invStd * (g - mean of g - xHat * mean of g * xHat)
   *   dgamma = sum of dy * xHat over the rows
   *   dbeta  = sum of dy over the rows
   * </pre>
   *
   * @param norm the descriptor
   * @param x in, tensor: the input of the forward pass
   * @param dy in, tensor: the gradient of the loss by y
   * @param gamma in, parameters, or NULL for ones
   * @param mean in, statistics that the forward pass gave
   * @param invStd in, statistics that the forward pass gave
   * @param dx out, tensor, or NULL if not wanted; in place (dx is dy) is allowed
   * @param dgamma out, parameters, or NULL if not wanted; overwritten
   * @param dbeta out, parameters, or NULL if not wanted; overwritten
   * @param workspace scratch, or NULL
   */
  void layerNormBackward(
      LayerNormDescriptor norm,
      MemorySegment x,
      MemorySegment dy,
      MemorySegment gamma,
      MemorySegment mean,
      MemorySegment invStd,
      MemorySegment dx,
      MemorySegment dgamma,
      MemorySegment dbeta,
      MemorySegment workspace);

  /**
   * Forward of RMS normalization, with the mean square of a row:
   *
   * <pre>
   *   xHat = x * invRms,  invRms = 1 / sqrt(mean of x^2 + epsilon)
   *   y    = gamma * xHat
   * </pre>
   *
   * Where {@code mean of x^2 + epsilon} is 0, invRms is 0 and so is y.
   *
   * @param norm the descriptor
   * @param x in, tensor
   * @param gamma in, parameters, or NULL for ones
   * @param y out, tensor; in place (y is x) is allowed
   * @param invRms out, statistics, or NULL if not wanted
   * @param workspace scratch, or NULL
   */
  void rmsNormForward(
      LayerNormDescriptor norm,
      MemorySegment x,
      MemorySegment gamma,
      MemorySegment y,
      MemorySegment invRms,
      MemorySegment workspace);

  /**
   * Backward of RMS normalization, by the statistic of the forward pass. With {@code g = gamma * dy}, and the mean over
   * the row:
   *
   * <pre>
   *   dx     = invRms * (g - xHat * mean of g * xHat)
   *   dgamma = sum of dy * xHat over the rows
   * </pre>
   *
   * @param norm the descriptor
   * @param x in, tensor: the input of the forward pass
   * @param dy in, tensor: the gradient of the loss by y
   * @param gamma in, parameters, or NULL for ones
   * @param invRms in, statistics that the forward pass gave
   * @param dx out, tensor, or NULL if not wanted; in place (dx is dy) is allowed
   * @param dgamma out, parameters, or NULL if not wanted; overwritten
   * @param workspace scratch, or NULL
   */
  void rmsNormBackward(
      LayerNormDescriptor norm,
      MemorySegment x,
      MemorySegment dy,
      MemorySegment gamma,
      MemorySegment invRms,
      MemorySegment dx,
      MemorySegment dgamma,
      MemorySegment workspace);
}
