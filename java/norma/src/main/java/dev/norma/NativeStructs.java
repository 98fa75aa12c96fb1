package dev.norma;

import dev.norma.bindings.c.Norma;
import dev.norma.bindings.c.norma_batch_norm;
import dev.norma.bindings.c.norma_gradient_descent;
import dev.norma.bindings.c.norma_group_norm;
import dev.norma.bindings.c.norma_layer_norm;
import dev.norma.bindings.c.norma_running_rule;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The C structs that a call passes. Each thread has one of each and fills it anew where the last call had another, which
 * takes a few stores and no allocation; the garbage collector frees them after the thread.
 */
final class NativeStructs {
  private static final ThreadLocal<NativeStructs> OF_THREAD = ThreadLocal.withInitial(NativeStructs::new);

  private final MemorySegment norm;
  private final MemorySegment layerNorm;
  private final MemorySegment groupNorm;
  private final MemorySegment runningRule;
  private final MemorySegment gradientDescent;
  private final MemorySegment size;
  private BatchNormDescriptor lastNorm;
  private LayerNormDescriptor lastLayerNorm;
  private GroupNormDescriptor lastGroupNorm;
  private RunningRule lastRule;

  private NativeStructs() {
    var arena = Arena.ofAuto();
    norm = norma_batch_norm.allocate(arena);
    layerNorm = norma_layer_norm.allocate(arena);
    groupNorm = norma_group_norm.allocate(arena);
    runningRule = norma_running_rule.allocate(arena);
    gradientDescent = norma_gradient_descent.allocate(arena);
    size = arena.allocate(ValueLayout.JAVA_LONG);
  }

  static NativeStructs ofThread() {
    return OF_THREAD.get();
  }

  MemorySegment of(BatchNormDescriptor descriptor) {
    if (descriptor == lastNorm) {
      return norm;
    }
    norma_batch_norm.batch(norm, descriptor.batch());
    norma_batch_norm.channels(norm, descriptor.channels());
    norma_batch_norm.spatial(norm, descriptor.spatial());
    norma_batch_norm.epsilon(norm, descriptor.epsilon());
    norma_batch_norm.data_type(norm, descriptor.dataType().code());
    norma_batch_norm.layout(norm, descriptor.layout().code());
    norma_batch_norm.threads(norm, descriptor.threads());
    lastNorm = descriptor;
    return norm;
  }

  MemorySegment of(LayerNormDescriptor descriptor) {
    if (descriptor == lastLayerNorm) {
      return layerNorm;
    }
    norma_layer_norm.rows(layerNorm, descriptor.rows());
    norma_layer_norm.length(layerNorm, descriptor.length());
    norma_layer_norm.epsilon(layerNorm, descriptor.epsilon());
    norma_layer_norm.data_type(layerNorm, descriptor.dataType().code());
    norma_layer_norm.threads(layerNorm, descriptor.threads());
    lastLayerNorm = descriptor;
    return layerNorm;
  }

  MemorySegment of(GroupNormDescriptor descriptor) {
    if (descriptor == lastGroupNorm) {
      return groupNorm;
    }
    norma_group_norm.batch(groupNorm, descriptor.batch());
    norma_group_norm.channels(groupNorm, descriptor.channels());
    norma_group_norm.spatial(groupNorm, descriptor.spatial());
    norma_group_norm.groups(groupNorm, descriptor.groups());
    norma_group_norm.epsilon(groupNorm, descriptor.epsilon());
    norma_group_norm.data_type(groupNorm, descriptor.dataType().code());
    norma_group_norm.layout(groupNorm, descriptor.layout().code());
    norma_group_norm.threads(groupNorm, descriptor.threads());
    lastGroupNorm = descriptor;
    return groupNorm;
  }

  MemorySegment of(RunningRule rule) {
    if (rule == lastRule) {
      return runningRule;
    }
    norma_running_rule.momentum(runningRule, rule.momentum());
    norma_running_rule.mode(
        runningRule, rule.cumulative() ? Norma.NORMA_RUNNING_CUMULATIVE() : Norma.NORMA_RUNNING_EXPONENTIAL());
    norma_running_rule.unbiased(runningRule, rule.unbiased() ? 1 : 0);
    norma_running_rule.refuse_nonfinite(runningRule, rule.refuseNonFinite() ? 1 : 0);
    lastRule = rule;
    return runningRule;
  }

  MemorySegment of(GradientDescent rule) {
    norma_gradient_descent.learning_rate(gradientDescent, rule.learningRate());
    norma_gradient_descent.momentum(gradientDescent, rule.momentum());
    norma_gradient_descent.weight_decay(gradientDescent, rule.weightDecay());
    norma_gradient_descent.nesterov(gradientDescent, rule.nesterov() ? 1 : 0);
    return gradientDescent;
  }

  /** Where a function that gives a size writes it. */
  MemorySegment size() {
    return size;
  }
}
