package dev.norma;

import java.lang.foreign.MemorySegment;

/**
 * Batch normalization on memory, with everything that belongs to it: ReLU and residuals, running statistics, batches in
 * parts, folding. What holds for every method stands at {@link Kernels}.
 *
 * <p>A tensor is N x C x S elements of the descriptor's data type and layout. Parameters (gamma, beta, their gradients,
 * running statistics) are C elements of its {@link DataType#parameterType}, statistics of a batch (mean, variance,
 * gradient sums) are C doubles.
 *
 * <p>Formulas: Ioffe and Szegedy, <a href="https://arxiv.org/abs/1502.03167">arXiv:1502.03167</a>, algorithm 1.
 */
public interface BatchNormKernels {
  /**
   * The workspace that is enough for every method that takes this descriptor.
   *
   * @param norm the descriptor
   * @return the size in bytes, 0 if none is needed
   */
  long workspaceSize(BatchNormDescriptor norm);

  /**
   * Forward for training: {@code y = gamma * (x - mean) / sqrt(variance + epsilon) + beta} by the statistics of the
   * batch. Where {@code variance + epsilon} is 0, y is beta.
   *
   * @param norm the descriptor; N * S must be above 1
   * @param x in, tensor
   * @param gamma in, parameters, or NULL for ones
   * @param beta in, parameters, or NULL for zeros
   * @param y out, tensor; in place (y is x) is allowed
   * @param mean out, statistics: the mean of each channel
   * @param variance out, statistics: the biased variance of each channel, without epsilon
   * @param workspace scratch, or NULL
   */
  void forwardTraining(
      BatchNormDescriptor norm,
      MemorySegment x,
      MemorySegment gamma,
      MemorySegment beta,
      MemorySegment y,
      MemorySegment mean,
      MemorySegment variance,
      MemorySegment workspace);

  /**
   * Forward for inference: {@code y = gamma * (x - runningMean) / sqrt(runningVar + epsilon) + beta}.
   *
   * @param norm the descriptor
   * @param x in, tensor
   * @param gamma in, parameters, or NULL for ones
   * @param beta in, parameters, or NULL for zeros
   * @param runningMean in, parameters
   * @param runningVar in, parameters; a negative sum with epsilon gives NaN, like the formula
   * @param y out, tensor; in place (y is x) is allowed
   * @param workspace scratch, or NULL
   */
  void forwardInference(
      BatchNormDescriptor norm,
      MemorySegment x,
      MemorySegment gamma,
      MemorySegment beta,
      MemorySegment runningMean,
      MemorySegment runningVar,
      MemorySegment y,
      MemorySegment workspace);

  /**
   * Backward for training, with {@code invStd = 1 / sqrt(variance + epsilon)} and {@code xHat = (x - mean) * invStd}:
   *
   * <pre>
   *   dbeta  = sum of dy over the channel
   *   dgamma = sum of dy * xHat over the channel
   *   dx     = gamma * invStd * (dy - dbeta / M - xHat * dgamma / M)
   * </pre>
   *
   * The Jacobian behind dx is {@code d xHat_i / d x_j = invStd * ([i == j] - 1 / M - xHat_i * xHat_j / M)}. Its last
   * term is the product of two different deviations, {@code (x_i - mean) * (x_j - mean)}; a square stands there only
   * for i == j.
   *
   * @param norm the descriptor; N * S must be above 1
   * @param x in, tensor: the input of the forward pass
   * @param dy in, tensor: the gradient of the loss by y
   * @param gamma in, parameters, or NULL for ones
   * @param mean in, statistics that the forward pass gave
   * @param variance in, statistics that the forward pass gave
   * @param dx out, tensor, or NULL if not wanted; in place (dx is dy) is allowed
   * @param dgamma out, parameters, or NULL if not wanted; overwritten
   * @param dbeta out, parameters, or NULL if not wanted; overwritten
   * @param workspace scratch, or NULL
   */
  void backwardTraining(
      BatchNormDescriptor norm,
      MemorySegment x,
      MemorySegment dy,
      MemorySegment gamma,
      MemorySegment mean,
      MemorySegment variance,
      MemorySegment dx,
      MemorySegment dgamma,
      MemorySegment dbeta,
      MemorySegment workspace);

  /**
   * Backward for inference mode: running statistics are constants, so {@code dx = gamma * invStd * dy}; dgamma and
   * dbeta are the sums of {@link #backwardTraining} by the running statistics.
   *
   * @param norm the descriptor
   * @param x in, tensor: the input of the forward pass
   * @param dy in, tensor: the gradient of the loss by y
   * @param gamma in, parameters, or NULL for ones
   * @param runningMean in, parameters
   * @param runningVar in, parameters
   * @param dx out, tensor, or NULL if not wanted; in place (dx is dy) is allowed
   * @param dgamma out, parameters, or NULL if not wanted; overwritten
   * @param dbeta out, parameters, or NULL if not wanted; overwritten
   * @param workspace scratch, or NULL
   */
  void backwardInference(
      BatchNormDescriptor norm,
      MemorySegment x,
      MemorySegment dy,
      MemorySegment gamma,
      MemorySegment runningMean,
      MemorySegment runningVar,
      MemorySegment dx,
      MemorySegment dgamma,
      MemorySegment dbeta,
      MemorySegment workspace);

  /**
   * Forward for training, followed by the addition of a residual, if there is one, and by ReLU, in one pass less over
   * the tensors for each: the end of a block of a residual network (He et al., <a
   * href="https://arxiv.org/abs/1512.03385">arXiv:1512.03385</a>, figure 2).
   *
   * <pre>
   *   z = gamma * (x - mean) / sqrt(variance + epsilon) + beta + residual
   *   y = max(0, z); NaN where z is NaN
   * </pre>
   *
   * <p>With 16-bit types the sum is rounded once, at the end.
   *
   * @param norm the descriptor; N * S must be above 1
   * @param x in, tensor
   * @param residual in, tensor, or NULL to add nothing
   * @param gamma in, parameters, or NULL for ones
   * @param beta in, parameters, or NULL for zeros
   * @param y out, tensor; in place (y is x, or y is residual) is allowed
   * @param mean out, statistics: the mean of each channel
   * @param variance out, statistics: the biased variance of each channel, without epsilon
   * @param workspace scratch, or NULL
   */
  void reluForwardTraining(
      BatchNormDescriptor norm,
      MemorySegment x,
      MemorySegment residual,
      MemorySegment gamma,
      MemorySegment beta,
      MemorySegment y,
      MemorySegment mean,
      MemorySegment variance,
      MemorySegment workspace);

  /**
   * Forward for inference, followed by the addition of a residual, if there is one, and by ReLU, as in
   * {@link #reluForwardTraining}, but by running statistics.
   *
   * @param norm the descriptor
   * @param x in, tensor
   * @param residual in, tensor, or NULL to add nothing
   * @param gamma in, parameters, or NULL for ones
   * @param beta in, parameters, or NULL for zeros
   * @param runningMean in, parameters
   * @param runningVar in, parameters; a negative sum with epsilon gives NaN, like the formula
   * @param y out, tensor; in place (y is x, or y is residual) is allowed
   * @param workspace scratch, or NULL
   */
  void reluForwardInference(
      BatchNormDescriptor norm,
      MemorySegment x,
      MemorySegment residual,
      MemorySegment gamma,
      MemorySegment beta,
      MemorySegment runningMean,
      MemorySegment runningVar,
      MemorySegment y,
      MemorySegment workspace);

  /**
   * Backward for training through {@link #reluForwardTraining}. What ReLU lets through of dy goes on to the residual
   * and to the normalization; z is computed again, from what the forward pass has read:
   *
   * <pre>
   *   g         = dy where z > 0 or NaN, else 0
   *   dresidual = g
   *   dx, dgamma and dbeta as in {@link #backwardTraining} with g for dy
   * </pre>
   *
   * @param norm the descriptor; N * S must be above 1
   * @param x in, tensor: that of the forward pass, not overwritten by y
   * @param residual in, tensor: that of the forward pass, not overwritten by y; NULL if there was none
   * @param dy in, tensor: the gradient of the loss by y
   * @param gamma in, parameters: those of the forward pass, or NULL for ones
   * @param beta in, parameters: those of the forward pass, or NULL for zeros
   * @param mean in, statistics that the forward pass gave
   * @param variance in, statistics that the forward pass gave
   * @param dx out, tensor, or NULL if not wanted; in place (dx is dy) is allowed
   * @param dresidual out, tensor, or NULL if not wanted; needs residual and dx. In place (dresidual is dy) is allowed,
   *     but not for both
   * @param dgamma out, parameters, or NULL if not wanted; overwritten
   * @param dbeta out, parameters, or NULL if not wanted; overwritten
   * @param workspace scratch, or NULL
   */
  void reluBackwardTraining(
      BatchNormDescriptor norm,
      MemorySegment x,
      MemorySegment residual,
      MemorySegment dy,
      MemorySegment gamma,
      MemorySegment beta,
      MemorySegment mean,
      MemorySegment variance,
      MemorySegment dx,
      MemorySegment dresidual,
      MemorySegment dgamma,
      MemorySegment dbeta,
      MemorySegment workspace);

  /**
   * Backward for inference mode through {@link #reluForwardInference}: as {@link #reluBackwardTraining}, with dx,
   * dgamma and dbeta as in {@link #backwardInference}.
   *
   * @param norm the descriptor
   * @param x in, tensor: that of the forward pass, not overwritten by y
   * @param residual in, tensor: that of the forward pass, not overwritten by y; NULL if there was none
   * @param dy in, tensor: the gradient of the loss by y
   * @param gamma in, parameters: those of the forward pass, or NULL for ones
   * @param beta in, parameters: those of the forward pass, or NULL for zeros
   * @param runningMean in, parameters
   * @param runningVar in, parameters
   * @param dx out, tensor, or NULL if not wanted; in place (dx is dy) is allowed
   * @param dresidual out, tensor, or NULL if not wanted; needs residual and dx. In place (dresidual is dy) is allowed,
   *     but not for both
   * @param dgamma out, parameters, or NULL if not wanted; overwritten
   * @param dbeta out, parameters, or NULL if not wanted; overwritten
   * @param workspace scratch, or NULL
   */
  void reluBackwardInference(
      BatchNormDescriptor norm,
      MemorySegment x,
      MemorySegment residual,
      MemorySegment dy,
      MemorySegment gamma,
      MemorySegment beta,
      MemorySegment runningMean,
      MemorySegment runningVar,
      MemorySegment dx,
      MemorySegment dresidual,
      MemorySegment dgamma,
      MemorySegment dbeta,
      MemorySegment workspace);

  /**
   * Updates running statistics by those of a batch, computed in double and rounded once. Epsilon has no part in it. A
   * refused batch changes nothing but {@code refused}.
   *
   * @param rule how to update
   * @param type the data type, which decides the type of the running statistics
   * @param channels C, at least 1
   * @param count M of the batch, over all its parts; above 1 if the rule is unbiased
   * @param mean in, statistics
   * @param variance in, statistics, biased
   * @param runningMean in and out, parameters
   * @param runningVar in and out, parameters
   * @param batches in and out, one long: batches taken so far
   * @param refused in and out, one long: batches refused so far
   */
  void updateRunning(
      RunningRule rule,
      DataType type,
      long channels,
      long count,
      MemorySegment mean,
      MemorySegment variance,
      MemorySegment runningMean,
      MemorySegment runningVar,
      MemorySegment batches,
      MemorySegment refused);

  /**
   * Statistics of a part of a batch. One value per channel is allowed: its variance is 0.
   *
   * @param norm the descriptor of the part
   * @param x in, tensor
   * @param mean out, statistics
   * @param variance out, statistics, biased
   * @param workspace scratch, or NULL
   */
  void localStatistics(
      BatchNormDescriptor norm,
      MemorySegment x,
      MemorySegment mean,
      MemorySegment variance,
      MemorySegment workspace);

  /**
   * The statistics of the whole from those of its parts, exact and not their average. What stands in the statistics of
   * a part with count 0 is not read.
   *
   * @param channels C, at least 1
   * @param parts at least 1
   * @param counts in, a long for each part: its number of values per channel, at least 0, not all 0
   * @param means in, the means of the parts, one part after the other
   * @param variances in, the biased variances of the parts, one part after the other
   * @param count out, one long: the sum of counts
   * @param mean out, statistics of the whole
   * @param variance out, statistics of the whole
   */
  void mergeStatistics(
      long channels,
      long parts,
      MemorySegment counts,
      MemorySegment means,
      MemorySegment variances,
      MemorySegment count,
      MemorySegment mean,
      MemorySegment variance);

  /**
   * Normalizes a part by given statistics.
   *
   * @param norm the descriptor of the part
   * @param x in, tensor
   * @param gamma in, parameters, or NULL for ones
   * @param beta in, parameters, or NULL for zeros
   * @param mean in, statistics of the whole
   * @param variance in, statistics of the whole
   * @param y out, tensor; in place (y is x) is allowed
   * @param workspace scratch, or NULL
   */
  void normalize(
      BatchNormDescriptor norm,
      MemorySegment x,
      MemorySegment gamma,
      MemorySegment beta,
      MemorySegment mean,
      MemorySegment variance,
      MemorySegment y,
      MemorySegment workspace);

  /**
   * Gradient sums of a part, by the statistics of the whole: the part's share of dbeta and dgamma.
   *
   * @param norm the descriptor of the part
   * @param x in, tensor
   * @param dy in, tensor
   * @param mean in, statistics of the whole
   * @param variance in, statistics of the whole
   * @param sumDy out, C doubles: sum of dy
   * @param sumDyXHat out, C doubles: sum of dy * xHat
   * @param workspace scratch, or NULL
   */
  void localGradientSums(
      BatchNormDescriptor norm,
      MemorySegment x,
      MemorySegment dy,
      MemorySegment mean,
      MemorySegment variance,
      MemorySegment sumDy,
      MemorySegment sumDyXHat,
      MemorySegment workspace);

  /**
   * Gradient sums of the whole: the sums over the parts, in their order. Parts with count 0 are not read.
   *
   * @param channels C, at least 1
   * @param parts at least 1
   * @param counts in, a long for each part: its number of values per channel, at least 0
   * @param sumsDy in, C doubles for each part, one part after the other
   * @param sumsDyXHat in, C doubles for each part, one part after the other
   * @param sumDy out, C doubles
   * @param sumDyXHat out, C doubles
   */
  void mergeGradientSums(
      long channels,
      long parts,
      MemorySegment counts,
      MemorySegment sumsDy,
      MemorySegment sumsDyXHat,
      MemorySegment sumDy,
      MemorySegment sumDyXHat);

  /**
   * The gradient by x of a part, by the statistics and gradient sums of the whole:
   * {@code dx = gamma * invStd * (dy - sumDy / count - xHat * sumDyXHat / count)}.
   *
   * @param norm the descriptor of the part
   * @param x in, tensor
   * @param dy in, tensor
   * @param gamma in, parameters, or NULL for ones
   * @param mean in, statistics of the whole
   * @param variance in, statistics of the whole
   * @param count the number of values per channel of the whole, at least that of the part
   * @param sumDy in, C doubles
   * @param sumDyXHat in, C doubles
   * @param dx out, tensor; in place (dx is dy) is allowed
   * @param workspace scratch, or NULL
   */
  void gradientInput(
      BatchNormDescriptor norm,
      MemorySegment x,
      MemorySegment dy,
      MemorySegment gamma,
      MemorySegment mean,
      MemorySegment variance,
      long count,
      MemorySegment sumDy,
      MemorySegment sumDyXHat,
      MemorySegment dx,
      MemorySegment workspace);

  /**
   * Folds the normalization for inference into the dense layer or convolution before it. With {@code scale = gamma /
   * sqrt(runningVar + epsilon)}, 0 where the sum is 0:
   *
   * <pre>
   *   foldedWeights = weights * scale
   *   foldedBias    = (bias - runningMean) * scale + beta
   * </pre>
   *
   * computed in double and rounded once (Jacob et al., <a href="https://arxiv.org/abs/1712.05877">arXiv:1712.05877</a>,
   * section 3.2).
   *
   * @param type the data type of the weights, which decides the type of the parameters
   * @param channels C of the layer's output, at least 1
   * @param fanIn the weights of a channel, at least 1: input channels (of one group) * height * width of a filter
   * @param epsilon at least 0 and finite
   * @param weights in, C rows of {@code fanIn} elements, one row after the other
   * @param bias in, parameters, or NULL for zeros
   * @param gamma in, parameters, or NULL for ones
   * @param beta in, parameters, or NULL for zeros
   * @param runningMean in, parameters
   * @param runningVar in, parameters; a negative sum with epsilon gives NaN, like the formula
   * @param foldedWeights out, like weights; in place (foldedWeights is weights) is allowed
   * @param foldedBias out, parameters; in place (foldedBias is bias) is allowed
   */
  void fold(
      DataType type,
      long channels,
      long fanIn,
      double epsilon,
      MemorySegment weights,
      MemorySegment bias,
      MemorySegment gamma,
      MemorySegment beta,
      MemorySegment runningMean,
      MemorySegment runningVar,
      MemorySegment foldedWeights,
      MemorySegment foldedBias);
}
