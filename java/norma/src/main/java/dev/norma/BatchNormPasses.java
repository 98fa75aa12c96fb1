package dev.norma;

import java.lang.foreign.MemorySegment;

/**
 * The passes of a layer: which operation is called, by its activation, with the layer's state and scratch memory. What
 * the caller hands in has the layer's form; residual and dresidual are NULL where there are none.
 */
final class BatchNormPasses {
  private final Kernels kernels;
  private final BatchNormState state;
  private final boolean relu;
  private final ShapePlans<BatchNormDescriptor> plans;
  private final Workspace workspace = new Workspace();

  BatchNormPasses(BatchNormSettings settings, Kernels kernels, BatchNormState state) {
    this.kernels = kernels;
    this.state = state;
    this.relu = settings.activation() == Activation.RELU;
    this.plans =
        new ShapePlans<>(
            BatchNormDescriptor::isOf,
            x -> BatchNormDescriptor.of(x, settings.epsilon(), settings.threads()),
            kernels::workspaceSize);
  }

  void forwardTraining(Tensor x, MemorySegment residual, Tensor y) {
    var plan = plans.of(x);
    var norm = plan.norm();
    var in = x.segment();
    var out = y.segment();
    var gamma = state.affine.gamma;
    var beta = state.affine.beta;
    var mean = state.batchMean;
    var variance = state.batchVariance;
    var scratch = workspace.own(plan.workspaceBytes());
    if (relu) {
      kernels.reluForwardTraining(norm, in, residual, gamma, beta, out, mean, variance, scratch);
    } else {
      kernels.forwardTraining(norm, in, gamma, beta, out, mean, variance, scratch);
    }
  }

  void forwardInference(Tensor x, MemorySegment residual, Tensor y) {
    var plan = plans.of(x);
    var norm = plan.norm();
    var in = x.segment();
    var out = y.segment();
    var gamma = state.affine.gamma;
    var beta = state.affine.beta;
    var mean = state.running.mean;
    var variance = state.running.variance;
    var scratch = workspace.take(plan.workspaceBytes());
    try {
      if (relu) {
        kernels.reluForwardInference(norm, in, residual, gamma, beta, mean, variance, out, scratch);
      } else {
        kernels.forwardInference(norm, in, gamma, beta, mean, variance, out, scratch);
      }
    } finally {
      workspace.giveBack(scratch);
    }
  }

  void backwardTraining(Tensor x, MemorySegment residual, Tensor dy, Tensor dx, MemorySegment dresidual) {
    var plan = plans.of(x);
    var norm = plan.norm();
    var in = x.segment();
    var gradient = dy.segment();
    var out = dx.segment();
    var gamma = state.affine.gamma;
    var beta = state.affine.beta;
    var mean = state.batchMean;
    var variance = state.batchVariance;
    var dgamma = state.affine.gammaGradient;
    var dbeta = state.affine.betaGradient;
    var scratch = workspace.own(plan.workspaceBytes());
    if (relu) {
      kernels.reluBackwardTraining(
          norm, in, residual, gradient, gamma, beta, mean, variance, out, dresidual, dgamma, dbeta, scratch);
    } else {
      kernels.backwardTraining(norm, in, gradient, gamma, mean, variance, out, dgamma, dbeta, scratch);
    }
  }

  void backwardInference(Tensor x, MemorySegment residual, Tensor dy, Tensor dx, MemorySegment dresidual) {
    var plan = plans.of(x);
    var norm = plan.norm();
    var in = x.segment();
    var gradient = dy.segment();
    var out = dx.segment();
    var gamma = state.affine.gamma;
    var beta = state.affine.beta;
    var mean = state.running.mean;
    var variance = state.running.variance;
    var dgamma = state.affine.gammaGradient;
    var dbeta = state.affine.betaGradient;
    var scratch = workspace.own(plan.workspaceBytes());
    if (relu) {
      kernels.reluBackwardInference(
          norm, in, residual, gradient, gamma, beta, mean, variance, out, dresidual, dgamma, dbeta, scratch);
    } else {
      kernels.backwardInference(norm, in, gradient, gamma, mean, variance, out, dgamma, dbeta, scratch);
    }
  }

  void localStatistics(Tensor x, MemorySegment mean, MemorySegment variance) {
    var plan = plans.of(x);
    kernels.localStatistics(plan.norm(), x.segment(), mean, variance, workspace.own(plan.workspaceBytes()));
  }

  void close() {
    workspace.close();
  }
}
