package dev.norma;

import java.lang.foreign.MemorySegment;

/**
 * Group and instance normalization on memory: the channels of each image are normalized in groups of neighbours, each
 * by itself. What holds for every method stands at {@link Kernels}.
 *
 * <p>A tensor is N x C x S elements of the descriptor's data type and layout. Parameters (gamma, beta, their gradients)
 * are C elements of its {@link DataType#parameterType}, statistics (mean, variance, invStd) N * G doubles, that of
 * group g of image n at n * G + g. With as many groups as channels this is instance normalization. A NaN or an infinity
 * makes its group of its image NaN or infinite, and no other, but for gradients of parameters, which are sums over
 * images.
 *
 * <p>Formulas: Wu and He, <a href="https://arxiv.org/abs/1803.08494">arXiv:1803.08494</a>, equations 1 to 7; Ulyanov,
 * Vedaldi and Lempitsky, <a href="https://arxiv.org/abs/1607.08022">arXiv:1607.08022</a>.
 */
public interface GroupNormKernels {
  /**
   * The workspace that is enough for every method that takes this descriptor.
   *
   * @param norm the descriptor
   * @return the size in bytes, 0 if none is needed
   */
  long workspaceSize(GroupNormDescriptor norm);

  /**
   * Forward. Mean and biased variance are those of a group of channels of an image:
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
   * @param variance out, statistics, without epsilon, or NULL if not wanted
   * @param invStd out, statistics, or NULL if not wanted
   * @param workspace scratch, or NULL
   */
  void groupNormForward(
      GroupNormDescriptor norm,
      MemorySegment x,
      MemorySegment gamma,
      MemorySegment beta,
      MemorySegment y,
      MemorySegment mean,
      MemorySegment variance,
      MemorySegment invStd,
      MemorySegment workspace);

  /**
   * Backward, by the statistics of the forward pass. With {@code g = gamma * dy}, and means over the group:
   *
   * <pre>
   *   dx     = invStd * (g - mean of g - xHat * mean of g * xHat)
   *   dgamma = sum of dy * xHat over the images and positions
   *   dbeta  = sum of dy over the images and positions
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
  void groupNormBackward(
      GroupNormDescriptor norm,
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
   * The statistics of a batch that running statistics of instance normalization follow, by {@link
   * BatchNormKernels#updateRunning} with count S: the averages over the images.
   *
   * @param batch N, at least 1
   * @param channels C, at least 1
   * @param means in, N * C doubles, as {@link #groupNormForward} gives them with as many groups as channels
   * @param variances in, N * C doubles, as means
   * @param mean out, C doubles
   * @param variance out, C doubles
   */
  void instanceNormAverageStatistics(
      long batch,
      long channels,
      MemorySegment means,
      MemorySegment variances,
      MemorySegment mean,
      MemorySegment variance);
}
