package dev.norma;

import java.lang.foreign.MemorySegment;

/** The memory of a layer: parameters, running statistics, and the statistics of the last batch. */
final class BatchNormState {
  final Affine affine;
  final RunningStatistics running;
  final MemorySegment batchMean;
  final MemorySegment batchVariance;

  BatchNormState(BatchNormSettings settings, LayerMemory memory, Affine affine) {
    this.affine = affine;
    running = new RunningStatistics(memory, settings.dataType(), settings.channels(), settings.runningRule());
    batchMean = memory.allocate(settings.channels() * Double.BYTES);
    batchVariance = memory.allocate(settings.channels() * Double.BYTES);
  }
}
