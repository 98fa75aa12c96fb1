package dev.norma;

import dev.norma.bindings.c.Norma;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** The C library. Its arguments are checked before they come here; a status other than OK becomes an exception. */
final class NativeKernels implements Kernels {
  @Override
  public long workspaceSize(BatchNormDescriptor norm) {
    var structs = NativeStructs.ofThread();
    requireOk("workspaceSize", Norma.norma_batch_norm_workspace_size(structs.of(norm), structs.size()));
    return structs.size().get(ValueLayout.JAVA_LONG, 0);
  }

  /** The one place where a status becomes an exception. */
  static void requireOk(String operation, int status) {
    if (status == Norma.NORMA_OVERLAP()) {
      ArgumentChecks.ofCall().requireDisjointOutputs(); // says which
    }
    if (status != Norma.NORMA_OK()) {
      throw new NormaException(status, operation + ": " + Norma.norma_status_message(status).getString(0));
    }
  }

  @Override
  public void forwardTraining(
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
  public void forwardInference(
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
  public void backwardTraining(
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
  public void backwardInference(
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
  public void reluForwardTraining(
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
  public void reluForwardInference(
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
  public void reluBackwardTraining(
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
  public void reluBackwardInference(
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
  public void updateRunning(
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
  public void localStatistics(
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
  public void mergeStatistics(
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
  public void normalize(
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
  public void localGradientSums(
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
  public void mergeGradientSums(
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
  public void gradientInput(
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
  public void fold(
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

  @Override
  public void gradientDescentStep(
      GradientDescent rule,
      DataType type,
      long length,
      MemorySegment gradient,
      MemorySegment parameter,
      MemorySegment velocity) {
    requireOk(
        "gradientDescentStep",
        Norma.norma_gradient_descent_step(
            NativeStructs.ofThread().of(rule), type.code(), length, gradient, parameter, velocity));
  }

  @Override
  public String toString() {
    return "native";
  }
}
