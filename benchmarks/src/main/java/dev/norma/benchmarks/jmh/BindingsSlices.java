package dev.norma.benchmarks.jmh;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.norma.benchmarks.Case;
import dev.norma.benchmarks.Operation;
import dev.norma.bindings.c.Norma;
import dev.norma.bindings.c.norma_group_norm;
import dev.norma.bindings.c.norma_layer_norm;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Layer, RMS, group and instance normalization through the generated bindings. */
final class BindingsSlices {
  private final Operation operation;
  private final CaseMemory m;
  private final MemorySegment norm;
  private final MemorySegment workspace;

  /** {@code type} and {@code layout} are constants of C. */
  BindingsSlices(Case measured, CaseMemory memory, int type, int layout, Arena arena) {
    operation = measured.operation();
    m = memory;
    var size = arena.allocate(JAVA_LONG);
    if (isOfRows()) {
      norm = rows(measured, type, arena);
      NormaBindings.require(Norma.norma_layer_norm_workspace_size(norm, size));
    } else {
      norm = groups(measured, type, layout, arena);
      NormaBindings.require(Norma.norma_group_norm_workspace_size(norm, size));
    }
    workspace = arena.allocate(size.get(JAVA_LONG, 0), Inputs.ALIGNMENT);
  }

  private boolean isOfRows() {
    return operation == Operation.LAYER_NORM || operation == Operation.RMS_NORM;
  }

  private static MemorySegment rows(Case measured, int type, Arena arena) {
    var norm = norma_layer_norm.allocate(arena);
    norma_layer_norm.rows(norm, measured.shape().batch());
    norma_layer_norm.length(norm, measured.shape().channels());
    norma_layer_norm.epsilon(norm, BatchNormBenchmark.EPSILON);
    norma_layer_norm.data_type(norm, type);
    norma_layer_norm.threads(norm, measured.threads());
    return norm;
  }

  private static MemorySegment groups(Case measured, int type, int layout, Arena arena) {
    var norm = norma_group_norm.allocate(arena);
    norma_group_norm.batch(norm, measured.shape().batch());
    norma_group_norm.channels(norm, measured.shape().channels());
    norma_group_norm.spatial(norm, measured.shape().spatial());
    norma_group_norm.groups(norm, measured.shape().groups());
    norma_group_norm.epsilon(norm, BatchNormBenchmark.EPSILON);
    norma_group_norm.data_type(norm, type);
    norma_group_norm.layout(norm, layout);
    norma_group_norm.threads(norm, measured.threads());
    return norm;
  }

  void forward() {
    NormaBindings.require(switch (operation) {
      case LAYER_NORM -> Norma.norma_layer_norm_forward(
          norm, m.x, m.gamma, m.beta, m.y, m.mean, m.invStd, workspace, workspace.byteSize());
      case RMS_NORM ->
        Norma.norma_rms_norm_forward(norm, m.x, m.gamma, m.y, m.invStd, workspace, workspace.byteSize());
      default -> Norma.norma_group_norm_forward(
          norm, m.x, m.gamma, m.beta, m.y, m.mean, MemorySegment.NULL, m.invStd, workspace, workspace.byteSize());
    });
  }

  void backward() {
    NormaBindings.require(switch (operation) {
      case LAYER_NORM -> Norma.norma_layer_norm_backward(
          norm, m.x, m.dy, m.gamma, m.mean, m.invStd, m.dx, m.dgamma, m.dbeta, workspace, workspace.byteSize());
      case RMS_NORM -> Norma.norma_rms_norm_backward(
          norm, m.x, m.dy, m.gamma, m.invStd, m.dx, m.dgamma, workspace, workspace.byteSize());
      default -> Norma.norma_group_norm_backward(
          norm, m.x, m.dy, m.gamma, m.mean, m.invStd, m.dx, m.dgamma, m.dbeta, workspace, workspace.byteSize());
    });
  }
}
