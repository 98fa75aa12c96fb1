package dev.norma;

import static java.lang.foreign.ValueLayout.JAVA_DOUBLE;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Group and instance normalization, compared with the reference. */
interface CheckedGroupNorm extends GroupNormKernels, Checking {
  @Override
  default long workspaceSize(GroupNormDescriptor norm) {
    return kernels().workspaceSize(norm);
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
    try (var arena = Arena.ofConfined()) {
      var groups = Slices.of(norm);
      var expected = new ExpectedSlices(arena, "groupNormForward", groups);
      // The input may be the output. Statistics that are not wanted are asked for as well: y is made from them.
      var input = groups.copyOf(arena, x);
      var means = expected.statisticsOrScratch(mean);
      var inverses = expected.statisticsOrScratch(invStd);
      kernels().groupNormForward(norm, x, gamma, beta, y, means, variance, inverses, workspace);
      expected.compareMean(input, means);
      expected.compareVariance(input, variance);
      expected.compareInvStd(input, inverses);
      expected.compareOutput(input, gamma, beta, means, inverses, y);
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
    try (var arena = Arena.ofConfined()) {
      var groups = Slices.of(norm);
      var exact = new SliceGradients(groups, true, x, dy, gamma);
      var expected = new ExpectedSlices(arena, "groupNormBackward", groups).new Gradients(exact, mean, invStd);
      kernels().groupNormBackward(norm, x, dy, gamma, mean, invStd, dx, dgamma, dbeta, workspace);
      expected.compare(dx, dgamma, dbeta);
    }
  }

  @Override
  default void instanceNormAverageStatistics(
      long batch,
      long channels,
      MemorySegment means,
      MemorySegment variances,
      MemorySegment mean,
      MemorySegment variance) {
    try (var arena = Arena.ofConfined()) {
      var operation = "instanceNormAverageStatistics";
      var expectedMean = Expectation.ofArray(arena, operation, "mean", channels, DataType.FLOAT64);
      var expectedVariance = Expectation.ofArray(arena, operation, "variance", channels, DataType.FLOAT64);
      reference()
          .instanceNormAverageStatistics(
              batch, channels, means, variances, expectedMean.values(), expectedVariance.values());
      for (var c = 0L; c < channels; c++) {
        expectedMean.allow(c, Tolerances.sumOfDoubles(batch, averageSize(batch, channels, means, c)));
        expectedVariance.allow(c, Tolerances.sumOfDoubles(batch, averageSize(batch, channels, variances, c)));
      }
      kernels().instanceNormAverageStatistics(batch, channels, means, variances, mean, variance);
      expectedMean.compare(mean);
      expectedVariance.compare(variance);
    }
  }

  private static double averageSize(long batch, long channels, MemorySegment statistics, long c) {
    var sum = 0d;
    for (var n = 0L; n < batch; n++) {
      sum += Math.abs(statistics.getAtIndex(JAVA_DOUBLE, n * channels + c)) / batch;
    }
    return sum;
  }
}
