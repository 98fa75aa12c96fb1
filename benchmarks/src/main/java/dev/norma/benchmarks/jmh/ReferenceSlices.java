package dev.norma.benchmarks.jmh;

import static java.lang.foreign.MemorySegment.NULL;

import dev.norma.GroupNormDescriptor;
import dev.norma.Kernels;
import dev.norma.LayerNormDescriptor;
import dev.norma.Layout;
import dev.norma.benchmarks.Case;
import dev.norma.benchmarks.Operation;
import dev.norma.benchmarks.Types;

/** Layer, RMS, group and instance normalization by Norma's reference kernels. */
final class ReferenceSlices {
  private static final Kernels KERNELS = Kernels.reference();

  private final Operation operation;
  private final CaseMemory m;
  private final LayerNormDescriptor rows;
  private final GroupNormDescriptor groups;

  ReferenceSlices(Case measured, CaseMemory memory) {
    var shape = measured.shape();
    var type = Types.of(measured.type());
    operation = measured.operation();
    m = memory;
    rows = new LayerNormDescriptor(
        shape.batch(), shape.channels(), BatchNormBenchmark.EPSILON, type, measured.threads());
    groups = new GroupNormDescriptor(
        shape.batch(),
        shape.channels(),
        shape.spatial(),
        shape.groups(),
        BatchNormBenchmark.EPSILON,
        type,
        BatchNormBenchmark.isChannelsLast(measured) ? Layout.CHANNELS_LAST : Layout.CHANNELS_FIRST,
        measured.threads());
  }

  void forward() {
    switch (operation) {
      case LAYER_NORM -> KERNELS.layerNormForward(rows, m.x, m.gamma, m.beta, m.y, m.mean, m.invStd, NULL);
      case RMS_NORM -> KERNELS.rmsNormForward(rows, m.x, m.gamma, m.y, m.invStd, NULL);
      default -> KERNELS.groupNormForward(groups, m.x, m.gamma, m.beta, m.y, m.mean, NULL, m.invStd, NULL);
    }
  }

  void backward() {
    switch (operation) {
      case LAYER_NORM -> KERNELS.layerNormBackward(
          rows, m.x, m.dy, m.gamma, m.mean, m.invStd, m.dx, m.dgamma, m.dbeta, NULL);
      case RMS_NORM -> KERNELS.rmsNormBackward(rows, m.x, m.dy, m.gamma, m.invStd, m.dx, m.dgamma, NULL);
      default -> KERNELS.groupNormBackward(
          groups, m.x, m.dy, m.gamma, m.mean, m.invStd, m.dx, m.dgamma, m.dbeta, NULL);
    }
  }
}
