package dev.norma;

import static dev.norma.Validating.DOUBLE;

import java.lang.foreign.MemorySegment;
import java.util.Objects;

/** Layer and RMS normalization with their arguments checked. */
interface ValidatedLayerNorm extends LayerNormKernels, Validating {
  @Override
  default long workspaceSize(LayerNormDescriptor norm) {
    return unchecked().workspaceSize(Objects.requireNonNull(norm, "norm"));
  }

  @Override
  default void layerNormForward(
      LayerNormDescriptor norm,
      MemorySegment x,
      MemorySegment gamma,
      MemorySegment beta,
      MemorySegment y,
      MemorySegment mean,
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
            .optionalOutput("invStd", invStd, norm.statisticsBytes(), DOUBLE)
            .workspace(workspace));
    unchecked().layerNormForward(norm, x, gamma, beta, y, mean, invStd, workspace);
  }

  /** The alignment of a tensor. */
  private static long element(LayerNormDescriptor norm) {
    return norm.dataType().bytes();
  }

  /** The alignment of parameters. */
  private static long parameter(LayerNormDescriptor norm) {
    return norm.dataType().parameterType().bytes();
  }

  @Override
  default void layerNormBackward(
      LayerNormDescriptor norm,
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
    unchecked().layerNormBackward(norm, x, dy, gamma, mean, invStd, dx, dgamma, dbeta, workspace);
  }

  @Override
  default void rmsNormForward(
      LayerNormDescriptor norm,
      MemorySegment x,
      MemorySegment gamma,
      MemorySegment y,
      MemorySegment invRms,
      MemorySegment workspace) {
    var element = element(norm);
    requireDisjointOutputs(
        ArgumentChecks.begin()
            .input("x", x, norm.tensorBytes(), element)
            .optionalInput("gamma", gamma, norm.parameterBytes(), parameter(norm))
            .outputInPlace("y", y, norm.tensorBytes(), element, "x")
            .optionalOutput("invRms", invRms, norm.statisticsBytes(), DOUBLE)
            .workspace(workspace));
    unchecked().rmsNormForward(norm, x, gamma, y, invRms, workspace);
  }

  @Override
  default void rmsNormBackward(
      LayerNormDescriptor norm,
      MemorySegment x,
      MemorySegment dy,
      MemorySegment gamma,
      MemorySegment invRms,
      MemorySegment dx,
      MemorySegment dgamma,
      MemorySegment workspace) {
    var element = element(norm);
    var parameter = parameter(norm);
    requireDisjointOutputs(
        ArgumentChecks.begin()
            .input("x", x, norm.tensorBytes(), element)
            .input("dy", dy, norm.tensorBytes(), element)
            .optionalInput("gamma", gamma, norm.parameterBytes(), parameter)
            .input("invRms", invRms, norm.statisticsBytes(), DOUBLE)
            .optionalOutputInPlace("dx", dx, norm.tensorBytes(), element, "dy")
            .optionalOutput("dgamma", dgamma, norm.parameterBytes(), parameter)
            .workspace(workspace));
    unchecked().rmsNormBackward(norm, x, dy, gamma, invRms, dx, dgamma, workspace);
  }
}
