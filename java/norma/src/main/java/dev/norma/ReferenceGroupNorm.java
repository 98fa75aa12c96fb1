package dev.norma;

import static java.lang.foreign.ValueLayout.JAVA_DOUBLE;

import java.lang.foreign.MemorySegment;

/** Group and instance normalization in plain loops. Each group of each image is taken by itself. */
interface ReferenceGroupNorm extends GroupNormKernels {
  @Override
  default long workspaceSize(GroupNormDescriptor norm) {
    return 0;
  }

  @Override
  default void groupNormForward(
      GroupNormDescriptor norm,
      MemorySegment x,
      MemorySegment gamma,
      MemorySegment beta,
      MemorySegment y,
      MemorySegment mean,
      MemorySegment variance,
      MemorySegment invStd,
      MemorySegment workspace) {
    var groups = Slices.of(norm);
    for (var group = 0L; group < groups.count(); group++) {
      var moments = groups.moments(x, group);
      var by = Standardization.of(moments, norm.epsilon());
      by.store(mean, invStd, group);
      if (variance.address() != 0) {
        variance.setAtIndex(JAVA_DOUBLE, group, moments.variance());
      }
      new NormalizedSlice(groups, group, by, x, gamma, beta).store(y);
    }
  }

  @Override
  default void groupNormBackward(
      GroupNormDescriptor norm,
      MemorySegment x,
      MemorySegment dy,
      MemorySegment gamma,
      MemorySegment mean,
      MemorySegment invStd,
      MemorySegment dx,
      MemorySegment dgamma,
      MemorySegment dbeta,
      MemorySegment workspace) {
    new SliceGradients(Slices.of(norm), true, x, dy, gamma).store(mean, invStd, dx, dgamma, dbeta);
  }

  @Override
  default void instanceNormAverageStatistics(
      long batch,
      long channels,
      MemorySegment means,
      MemorySegment variances,
      MemorySegment mean,
      MemorySegment variance) {
    for (var c = 0L; c < channels; c++) {
      mean.setAtIndex(JAVA_DOUBLE, c, average(batch, channels, means, c));
      variance.setAtIndex(JAVA_DOUBLE, c, average(batch, channels, variances, c));
    }
  }

  private static double average(long batch, long channels, MemorySegment statistics, long c) {
    var sum = new CompensatedSum();
    for (var n = 0L; n < batch; n++) {
      sum.add(statistics.getAtIndex(JAVA_DOUBLE, n * channels + c));
    }
    return sum.value() / batch;
  }
}
