package dev.norma;

import static dev.norma.NativeKernels.requireOk;

import dev.norma.bindings.c.Norma;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Batch normalization by the C library. */
interface NativeBatchNorm extends BatchNormKernels {
  @Override
  default long workspaceSize(BatchNormDescriptor norm) {
    var structs = NativeStructs.ofThread();
    requireOk("workspaceSize", Norma.norma_batch_norm_workspace_size(structs.of(norm), structs.size()));
    return structs.size().get(ValueLayout.JAVA_LONG, 0);
  }

  @Override
  default void forwardTraining(
      BatchNormDescriptor norm,
      MemorySegment x,
      MemorySegment gamma,
      MemorySegment beta,
      MemorySegment y,
      MemorySegment mean,
      MemorySegment variance,
      MemorySegment workspace) {
    requireOk(
        "forwardTraining",
        Norma.norma_batch_norm_forward_training(
            struct(norm), x, gamma, beta, y, mean, variance, workspace, workspace.byteSize()));
  }

  private static MemorySegment struct(BatchNormDescriptor norm) {
    return NativeStructs.ofThread().of(norm);
  }

  @Override
  default void forwardInference(
      BatchNormDescriptor norm,
      MemorySegment x,
      MemorySegment gamma,
      MemorySegment beta,
      MemorySegment runningMean,
      MemorySegment runningVar,
      MemorySegment y,
      MemorySegment workspace) {
    requireOk(
        "forwardInference",
        Norma.norma_batch_norm_forward_inference(
            struct(norm), x, gamma, beta, runningMean, runningVar, y, workspace, workspace.byteSize()));
  }

  @Override
  default void backwardTraining(
      BatchNormDescriptor norm,
      MemorySegment x,
      MemorySegment dy,
      MemorySegment gamma,
      MemorySegment mean,
      MemorySegment variance,
      MemorySegment dx,
      MemorySegment dgamma,
      MemorySegment dbeta,
      MemorySegment workspace) {
    requireOk(
        "backwardTraining",
        Norma.norma_batch_norm_backward_training(
            struct(norm), x, dy, gamma, mean, variance, dx, dgamma, dbeta, workspace, workspace.byteSize()));
  }

  @Override
  default void backwardInference(
      BatchNormDescriptor norm,
      MemorySegment x,
      MemorySegment dy,
      MemorySegment gamma,
      MemorySegment runningMean,
      MemorySegment runningVar,
      MemorySegment dx,
      MemorySegment dgamma,
      MemorySegment dbeta,
      MemorySegment workspace) {
    requireOk(
        "backwardInference",
        Norma.norma_batch_norm_backward_inference(
            struct(norm),
            x,
            dy,
            gamma,
            runningMean,
            runningVar,
            dx,
            dgamma,
            dbeta,
            workspace,
            workspace.byteSize()));
  }

  @Override
  default void reluForwardTraining(
      BatchNormDescriptor norm,
      MemorySegment x,
      MemorySegment residual,
      MemorySegment gamma,
      MemorySegment beta,
      MemorySegment y,
      MemorySegment mean,
      MemorySegment variance,
      MemorySegment workspace) {
    requireOk(
        "reluForwardTraining",
        Norma.norma_batch_norm_relu_forward_training(
            struct(norm), x, residual, gamma, beta, y, mean, variance, workspace, workspace.byteSize()));
  }

  @Override
  default void reluForwardInference(
      BatchNormDescriptor norm,
      MemorySegment x,
      MemorySegment residual,
      MemorySegment gamma,
      MemorySegment beta,
      MemorySegment runningMean,
      MemorySegment runningVar,
      MemorySegment y,
      MemorySegment workspace) {
    requireOk(
        "reluForwardInference",
        Norma.norma_batch_norm_relu_forward_inference(
            struct(norm), x, residual, gamma, beta, runningMean, runningVar, y, workspace, workspace.byteSize()));
  }

  @Override
  default void reluBackwardTraining(
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
      MemorySegment workspace) {
    requireOk(
        "reluBackwardTraining",
        Norma.norma_batch_norm_relu_backward_training(
            struct(norm),
            x,
            residual,
            dy,
            gamma,
            beta,
            mean,
            variance,
            dx,
            dresidual,
            dgamma,
            dbeta,
            workspace,
            workspace.byteSize()));
  }

  @Override
  default void reluBackwardInference(
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
      MemorySegment workspace) {
    requireOk(
        "reluBackwardInference",
        Norma.norma_batch_norm_relu_backward_inference(
            struct(norm),
            x,
            residual,
            dy,
            gamma,
            beta,
            runningMean,
            runningVar,
            dx,
            dresidual,
            dgamma,
            dbeta,
            workspace,
            workspace.byteSize()));
  }

  @Override
  default void updateRunning(
      RunningRule rule,
      DataType type,
      long channels,
      long count,
      MemorySegment mean,
      MemorySegment variance,
      MemorySegment runningMean,
      MemorySegment runningVar,
      MemorySegment batches,
      MemorySegment refused) {
    requireOk(
        "updateRunning",
        Norma.norma_batch_norm_update_running(
            NativeStructs.ofThread().of(rule),
            type.code(),
            channels,
            count,
            mean,
            variance,
            runningMean,
            runningVar,
            batches,
            refused));
  }

  @Override
  default void localStatistics(
      BatchNormDescriptor norm,
      MemorySegment x,
      MemorySegment mean,
      MemorySegment variance,
      MemorySegment workspace) {
    requireOk(
        "localStatistics",
        Norma.norma_batch_norm_local_statistics(
            struct(norm), x, mean, variance, workspace, workspace.byteSize()));
  }

  @Override
  default void mergeStatistics(
      long channels,
      long parts,
      MemorySegment counts,
      MemorySegment means,
      MemorySegment variances,
      MemorySegment count,
      MemorySegment mean,
      MemorySegment variance) {
    requireOk(
        "mergeStatistics",
        Norma.norma_batch_norm_merge_statistics(
            channels, parts, counts, means, variances, count, mean, variance));
  }

  @Override
  default void normalize(
      BatchNormDescriptor norm,
      MemorySegment x,
      MemorySegment gamma,
      MemorySegment beta,
      MemorySegment mean,
      MemorySegment variance,
      MemorySegment y,
      MemorySegment workspace) {
    requireOk(
        "normalize",
        Norma.norma_batch_norm_normalize(
            struct(norm), x, gamma, beta, mean, variance, y, workspace, workspace.byteSize()));
  }

  @Override
  default void localGradientSums(
      BatchNormDescriptor norm,
      MemorySegment x,
      MemorySegment dy,
      MemorySegment mean,
      MemorySegment variance,
      MemorySegment sumDy,
      MemorySegment sumDyXHat,
      MemorySegment workspace) {
    requireOk(
        "localGradientSums",
        Norma.norma_batch_norm_local_gradient_sums(
            struct(norm), x, dy, mean, variance, sumDy, sumDyXHat, workspace, workspace.byteSize()));
  }

  @Override
  default void mergeGradientSums(
      long channels,
      long parts,
      MemorySegment counts,
      MemorySegment sumsDy,
      MemorySegment sumsDyXHat,
      MemorySegment sumDy,
      MemorySegment sumDyXHat) {
    requireOk(
        "mergeGradientSums",
        Norma.norma_batch_norm_merge_gradient_sums(
            channels, parts, counts, sumsDy, sumsDyXHat, sumDy, sumDyXHat));
  }

  @Override
  default void gradientInput(
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
      MemorySegment workspace) {
    requireOk(
        "gradientInput",
        Norma.norma_batch_norm_gradient_input(
            struct(norm),
            x,
            dy,
            gamma,
            mean,
            variance,
            count,
            sumDy,
            sumDyXHat,
            dx,
            workspace,
            workspace.byteSize()));
  }

  @Override
  default void fold(
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
      MemorySegment foldedBias) {
    requireOk(
        "fold",
        Norma.norma_batch_norm_fold(
            type.code(),
            channels,
            fanIn,
            epsilon,
            weights,
            bias,
            gamma,
            beta,
            runningMean,
            runningVar,
            foldedWeights,
            foldedBias));
  }
}
