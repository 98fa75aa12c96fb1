package dev.norma.benchmarks;

import static java.lang.foreign.MemorySegment.NULL;

import dev.norma.BatchNormDescriptor;
import dev.norma.Kernels;
import java.lang.foreign.MemorySegment;

/**
 * The passes of an operation through Norma's kernels. The arguments are those of {@link Kernels}; the residual and its
 * gradient are NULL where the operation has none.
 *
 * @param kernels that compute
 * @param operation which operation
 * @param norm the descriptor
 */
public record KernelPasses(Kernels kernels, Operation operation, BatchNormDescriptor norm) {
  /**
   * The forward pass for training.
   *
   * @param x in
   * @param residual in
   * @param gamma in
   * @param beta in
   * @param y out
   * @param mean out
   * @param variance out
   */
  public void forwardTraining(
      MemorySegment x, MemorySegment residual, MemorySegment gamma, MemorySegment beta, MemorySegment y,
      MemorySegment mean, MemorySegment variance) {
    if (operation.hasRelu()) {
      kernels.reluForwardTraining(norm, x, residual, gamma, beta, y, mean, variance, NULL);
    } else {
      kernels.forwardTraining(norm, x, gamma, beta, y, mean, variance, NULL);
    }
  }

  /**
   * The forward pass for inference.
   *
   * @param x in
   * @param residual in
   * @param gamma in
   * @param beta in
   * @param runningMean in
   * @param runningVar in
   * @param y out
   */
  public void forwardInference(
      MemorySegment x, MemorySegment residual, MemorySegment gamma, MemorySegment beta, MemorySegment runningMean,
      MemorySegment runningVar, MemorySegment y) {
    if (operation.hasRelu()) {
      kernels.reluForwardInference(norm, x, residual, gamma, beta, runningMean, runningVar, y, NULL);
    } else {
      kernels.forwardInference(norm, x, gamma, beta, runningMean, runningVar, y, NULL);
    }
  }

  /**
   * The backward pass for training.
   *
   * @param x in
   * @param residual in
   * @param dy in
   * @param gamma in
   * @param beta in
   * @param mean in
   * @param variance in
   * @param dx out
   * @param dresidual out
   * @param dgamma out
   * @param dbeta out
   */
  public void backwardTraining(
      MemorySegment x, MemorySegment residual, MemorySegment dy, MemorySegment gamma, MemorySegment beta,
      MemorySegment mean, MemorySegment variance, MemorySegment dx, MemorySegment dresidual, MemorySegment dgamma,
      MemorySegment dbeta) {
    if (operation.hasRelu()) {
      kernels.reluBackwardTraining(
          norm, x, residual, dy, gamma, beta, mean, variance, dx, dresidual, dgamma, dbeta, NULL);
    } else {
      kernels.backwardTraining(norm, x, dy, gamma, mean, variance, dx, dgamma, dbeta, NULL);
    }
  }
}
