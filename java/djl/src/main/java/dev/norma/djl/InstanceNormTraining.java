package dev.norma.djl;

import dev.norma.GroupNormDescriptor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;

/** Normalizes instances, and lets running statistics follow the averages of theirs over the batch. */
record InstanceNormTraining(GroupNormPass pass, RunningStatistics running) implements Pass {

  @Override
  public void forward(MemorySegment x, MemorySegment y) {
    pass.forward(x, y);
    GroupNormDescriptor norm = pass.norm();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment mean = arena.allocate(ValueLayout.JAVA_DOUBLE, norm.channels());
      MemorySegment variance = arena.allocate(ValueLayout.JAVA_DOUBLE, norm.channels());
      pass.kernels()
          .instanceNormAverageStatistics(norm.batch(), norm.channels(), pass.mean(), pass.variance(), mean, variance);
      running.update(pass.kernels(), norm.dataType(), norm.channels(), norm.spatial(), mean, variance);
    }
  }

  @Override
  public void backward(MemorySegment x, MemorySegment dy, MemorySegment dx, List<MemorySegment> daffine) {
    pass.backward(x, dy, dx, daffine);
  }
}
