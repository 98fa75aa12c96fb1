package dev.norma.djl;

import dev.norma.DataType;
import dev.norma.Kernels;
import dev.norma.RunningRule;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** The running statistics of a block, and how they follow the batches. */
record RunningStatistics(RunningRule rule, ParameterValue mean, ParameterValue variance) {

  /** Takes the statistics of a batch with so many values of a channel. */
  void update(
      Kernels kernels, DataType type, long channels, long count, MemorySegment batchMean, MemorySegment batchVariance) {
    try (Arena arena = Arena.ofConfined()) {
      kernels.updateRunning(
          rule,
          type,
          channels,
          count,
          batchMean,
          batchVariance,
          mean.memory(),
          variance.memory(),
          arena.allocate(ValueLayout.JAVA_LONG),
          arena.allocate(ValueLayout.JAVA_LONG));
    }
  }
}
