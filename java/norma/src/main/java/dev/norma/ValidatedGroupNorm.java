package dev.norma;

import static dev.norma.Validating.DOUBLE;

import java.lang.foreign.MemorySegment;
import java.util.Objects;

/** Group and instance normalization with their arguments checked. */
interface ValidatedGroupNorm extends GroupNormKernels, Validating {
  @Override
  default long workspaceSize(GroupNormDescriptor norm) {
    return unchecked().workspaceSize(Objects.requireNonNull(norm, "norm"));
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
    var element = element(norm);
    var parameter = parameter(norm);
    requireDisjointOutputs(
        ArgumentChecks.begin()
            .input("x", x, norm.tensorBytes(), element)
            .optionalInput("gamma", gamma, norm.parameterBytes(), parameter)
            .optionalInput("beta", beta, norm.parameterBytes(), parameter)
            .outputInPlace("y", y, norm.tensorBytes(), element, "x")
            .optionalOutput("mean", mean, norm.statisticsBytes(), DOUBLE)
            .optionalOutput("variance", variance, norm.statisticsBytes(), DOUBLE)
            .optionalOutput("invStd", invStd, norm.statisticsBytes(), DOUBLE)
            .workspace(workspace));
    unchecked().groupNormForward(norm, x, gamma, beta, y, mean, variance, invStd, workspace);
  }

  /** The alignment of a tensor. */
  private static long element(GroupNormDescriptor norm) {
    return norm.dataType().bytes();
  }

  /** The alignment of parameters. */
  private static long parameter(GroupNormDescriptor norm) {
    return norm.dataType().parameterType().bytes();
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
    var element = element(norm);
    var parameter = parameter(norm);
    requireDisjointOutputs(
        ArgumentChecks.begin()
            .input("x", x, norm.tensorBytes(), element)
            .input("dy", dy, norm.tensorBytes(), element)
            .optionalInput("gamma", gamma, norm.parameterBytes(), parameter)
            .input("mean", mean, norm.statisticsBytes(), DOUBLE)
            .input("invStd", invStd, norm.statisticsBytes(), DOUBLE)
            .optionalOutputInPlace("dx", dx, norm.tensorBytes(), element, "dy")
            .optionalOutput("dgamma", dgamma, norm.parameterBytes(), parameter)
            .optionalOutput("dbeta", dbeta, norm.parameterBytes(), parameter)
            .workspace(workspace));
    unchecked().groupNormBackward(norm, x, dy, gamma, mean, invStd, dx, dgamma, dbeta, workspace);
  }

  @Override
  default void instanceNormAverageStatistics(
      long batch,
      long channels,
      MemorySegment means,
      MemorySegment variances,
      MemorySegment mean,
      MemorySegment variance) {
    var ofChannels = Validating.arrayBytes("channels", channels, DOUBLE);
    var all = Validating.arrayBytes("batch", batch, ofChannels);
    requireDisjointOutputs(
        ArgumentChecks.begin()
            .input("means", means, all, DOUBLE)
            .input("variances", variances, all, DOUBLE)
            .output("mean", mean, ofChannels, DOUBLE)
            .output("variance", variance, ofChannels, DOUBLE));
    unchecked().instanceNormAverageStatistics(batch, channels, means, variances, mean, variance);
  }
}
