package dev.norma;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;

/** Running mean and variance of a layer, and how many batches they follow. */
final class RunningStatistics {
  final MemorySegment mean;
  final MemorySegment variance;
  final MemorySegment batches;
  final MemorySegment refused;
  final RunningRule rule;

  private final DataType dataType;
  private final long channels;

  /** The mean is zeros, the variance ones. */
  RunningStatistics(LayerMemory memory, DataType dataType, long channels, RunningRule rule) {
    this.dataType = dataType;
    this.channels = channels;
    this.rule = rule;
    var type = dataType.parameterType();
    mean = memory.allocate(channels * type.bytes());
    variance = memory.allocate(channels * type.bytes());
    batches = memory.allocate(Long.BYTES);
    refused = memory.allocate(Long.BYTES);
    for (var c = 0L; c < channels; c++) {
      type.set(variance, c, 1);
    }
  }

  /** Follows a batch with so many values for each of its statistics. All memory is the layer's own: nothing to check. */
  void follow(Kernels uncheckedKernels, long count, MemorySegment batchMean, MemorySegment batchVariance) {
    uncheckedKernels.updateRunning(
        rule, dataType, channels, count, batchMean, batchVariance, mean, variance, batches, refused);
  }

  long batches() {
    return batches.get(JAVA_LONG, 0);
  }

  long refused() {
    return refused.get(JAVA_LONG, 0);
  }
}
