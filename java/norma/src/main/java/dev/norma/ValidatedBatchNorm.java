package dev.norma;

import static dev.norma.Validating.DOUBLE;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Objects;

/** Batch normalization with its arguments checked. */
interface ValidatedBatchNorm extends BatchNormKernels, Validating {
  @Override
  default long workspaceSize(BatchNormDescriptor norm) {
    return unchecked().workspaceSize(Objects.requireNonNull(norm, "norm"));
  }

  @Override
  default void forwardTraining(
      BatchNormDescriptor norm,
      MemorySegment x,
      MemorySegment gamma,
      MemorySegment beta,
      MemorySegment y,
      MemorySegment mean,
      MemorySegment variance,
      MemorySegment workspace) {
    requireVariance(norm);
    var element = element(norm);
    var parameter = parameter(norm);
    requireDisjointOutputs(
        ArgumentChecks.begin()
            .input("x", x, norm.tensorBytes(), element)
            .optionalInput("gamma", gamma, norm.parameterBytes(), parameter)
            .optionalInput("beta", beta, norm.parameterBytes(), parameter)
            .outputInPlace("y", y, norm.tensorBytes(), element, "x")
            .output("mean", mean, norm.statisticsBytes(), DOUBLE)
            .output("variance", variance, norm.statisticsBytes(), DOUBLE)
            .workspace(workspace));
    unchecked().forwardTraining(norm, x, gamma, beta, y, mean, variance, workspace);
  }

  /** The alignment of a tensor. */
  private static long element(BatchNormDescriptor norm) {
    return norm.dataType().bytes();
  }

  /** The alignment of parameters. */
  private static long parameter(BatchNormDescriptor norm) {
    return norm.dataType().parameterType().bytes();
  }

  private static void requireVariance(BatchNormDescriptor norm) {
    if (norm.valuesPerChannel() == 1) {
      throw new IllegalArgumentException(
          "training needs more than one value per channel: batch 1 and spatial 1 give one, which has no variance");
    }
  }

  @Override
  default void forwardInference(
      BatchNormDescriptor norm,
      MemorySegment x,
      MemorySegment gamma,
      MemorySegment beta,
      MemorySegment runningMean,
      MemorySegment runningVar,
      MemorySegment y,
      MemorySegment workspace) {
    var element = element(norm);
    var parameter = parameter(norm);
    requireDisjointOutputs(
        ArgumentChecks.begin()
            .input("x", x, norm.tensorBytes(), element)
            .optionalInput("gamma", gamma, norm.parameterBytes(), parameter)
            .optionalInput("beta", beta, norm.parameterBytes(), parameter)
            .input("runningMean", runningMean, norm.parameterBytes(), parameter)
            .input("runningVar", runningVar, norm.parameterBytes(), parameter)
            .outputInPlace("y", y, norm.tensorBytes(), element, "x")
            .workspace(workspace));
    unchecked().forwardInference(norm, x, gamma, beta, runningMean, runningVar, y, workspace);
  }

  @Override
  default void backwardTraining(
      BatchNormDescriptor norm,
      MemorySegment x,
      MemorySegment dy,
      MemorySegment gamma,
      MemorySegment mean,
      MemorySegment variance,
      MemorySegment dx,
      MemorySegment dgamma,
      MemorySegment dbeta,
      MemorySegment workspace) {
    requireVariance(norm);
    var inputs =
        backwardInputs(norm, x, dy, gamma)
            .input("mean", mean, norm.statisticsBytes(), DOUBLE)
            .input("variance", variance, norm.statisticsBytes(), DOUBLE);
    requireBackwardOutputs(inputs, norm, dx, dgamma, dbeta, workspace);
    unchecked().backwardTraining(norm, x, dy, gamma, mean, variance, dx, dgamma, dbeta, workspace);
  }

  @Override
  default void backwardInference(
      BatchNormDescriptor norm,
      MemorySegment x,
      MemorySegment dy,
      MemorySegment gamma,
      MemorySegment runningMean,
      MemorySegment runningVar,
      MemorySegment dx,
      MemorySegment dgamma,
      MemorySegment dbeta,
      MemorySegment workspace) {
    var parameter = parameter(norm);
    var inputs =
        backwardInputs(norm, x, dy, gamma)
            .input("runningMean", runningMean, norm.parameterBytes(), parameter)
            .input("runningVar", runningVar, norm.parameterBytes(), parameter);
    requireBackwardOutputs(inputs, norm, dx, dgamma, dbeta, workspace);
    unchecked().backwardInference(norm, x, dy, gamma, runningMean, runningVar, dx, dgamma, dbeta, workspace);
  }

  private static ArgumentChecks backwardInputs(
      BatchNormDescriptor norm, MemorySegment x, MemorySegment dy, MemorySegment gamma) {
    var element = element(norm);
    return ArgumentChecks.begin()
        .input("x", x, norm.tensorBytes(), element)
        .input("dy", dy, norm.tensorBytes(), element)
        .optionalInput("gamma", gamma, norm.parameterBytes(), parameter(norm));
  }

  /** Adds the outputs to the inputs of {@link #backwardInputs}, which cover {@code dy}. */
  private void requireBackwardOutputs(
      ArgumentChecks checks,
      BatchNormDescriptor norm,
      MemorySegment dx,
      MemorySegment dgamma,
      MemorySegment dbeta,
      MemorySegment workspace) {
    var element = element(norm);
    var parameter = parameter(norm);
    requireDisjointOutputs(
        checks
            .optionalOutputInPlace("dx", dx, norm.tensorBytes(), element, "dy")
            .optionalOutput("dgamma", dgamma, norm.parameterBytes(), parameter)
            .optionalOutput("dbeta", dbeta, norm.parameterBytes(), parameter)
            .workspace(workspace));
  }

  @Override
  default void reluForwardTraining(
      BatchNormDescriptor norm,
      MemorySegment x,
      MemorySegment residual,
      MemorySegment gamma,
      MemorySegment beta,
      MemorySegment y,
      MemorySegment mean,
      MemorySegment variance,
      MemorySegment workspace) {
    requireVariance(norm);
    var parameter = parameter(norm);
    requireDisjointOutputs(
        ArgumentChecks.begin()
            .input("x", x, norm.tensorBytes(), element(norm))
            .optionalInput("residual", residual, norm.tensorBytes(), element(norm))
            .optionalInput("gamma", gamma, norm.parameterBytes(), parameter)
            .optionalInput("beta", beta, norm.parameterBytes(), parameter)
            .outputInPlace("y", y, norm.tensorBytes(), element(norm), "x")
            .orInPlaceOf("residual")
            .output("mean", mean, norm.statisticsBytes(), DOUBLE)
            .output("variance", variance, norm.statisticsBytes(), DOUBLE)
            .workspace(workspace));
    unchecked().reluForwardTraining(norm, x, residual, gamma, beta, y, mean, variance, workspace);
  }

  @Override
  default void reluForwardInference(
      BatchNormDescriptor norm,
      MemorySegment x,
      MemorySegment residual,
      MemorySegment gamma,
      MemorySegment beta,
      MemorySegment runningMean,
      MemorySegment runningVar,
      MemorySegment y,
      MemorySegment workspace) {
    var parameter = parameter(norm);
    requireDisjointOutputs(
        ArgumentChecks.begin()
            .input("x", x, norm.tensorBytes(), element(norm))
            .optionalInput("residual", residual, norm.tensorBytes(), element(norm))
            .optionalInput("gamma", gamma, norm.parameterBytes(), parameter)
            .optionalInput("beta", beta, norm.parameterBytes(), parameter)
            .input("runningMean", runningMean, norm.parameterBytes(), parameter)
            .input("runningVar", runningVar, norm.parameterBytes(), parameter)
            .outputInPlace("y", y, norm.tensorBytes(), element(norm), "x")
            .orInPlaceOf("residual")
            .workspace(workspace));
    unchecked().reluForwardInference(norm, x, residual, gamma, beta, runningMean, runningVar, y, workspace);
  }

  @Override
  default void reluBackwardTraining(
      BatchNormDescriptor norm,
      MemorySegment x,
      MemorySegment residual,
      MemorySegment dy,
      MemorySegment gamma,
      MemorySegment beta,
      MemorySegment mean,
      MemorySegment variance,
      MemorySegment dx,
      MemorySegment dresidual,
      MemorySegment dgamma,
      MemorySegment dbeta,
      MemorySegment workspace) {
    requireVariance(norm);
    var inputs =
        reluBackwardInputs(norm, x, residual, dy, gamma, beta)
            .input("mean", mean, norm.statisticsBytes(), DOUBLE)
            .input("variance", variance, norm.statisticsBytes(), DOUBLE)
            .optionalOutputInPlace("dresidual", dresidual, norm.tensorBytes(), element(norm), "dy");
    requireBackwardOutputs(inputs, norm, dx, dgamma, dbeta, workspace);
    requireNeedsOfResidualGradient(residual, dx, dresidual);
    unchecked().reluBackwardTraining(
        norm, x, residual, dy, gamma, beta, mean, variance, dx, dresidual, dgamma, dbeta, workspace);
  }

  @Override
  default void reluBackwardInference(
      BatchNormDescriptor norm,
      MemorySegment x,
      MemorySegment residual,
      MemorySegment dy,
      MemorySegment gamma,
      MemorySegment beta,
      MemorySegment runningMean,
      MemorySegment runningVar,
      MemorySegment dx,
      MemorySegment dresidual,
      MemorySegment dgamma,
      MemorySegment dbeta,
      MemorySegment workspace) {
    var parameter = parameter(norm);
    var inputs =
        reluBackwardInputs(norm, x, residual, dy, gamma, beta)
            .input("runningMean", runningMean, norm.parameterBytes(), parameter)
            .input("runningVar", runningVar, norm.parameterBytes(), parameter)
            .optionalOutputInPlace("dresidual", dresidual, norm.tensorBytes(), element(norm), "dy");
    requireBackwardOutputs(inputs, norm, dx, dgamma, dbeta, workspace);
    requireNeedsOfResidualGradient(residual, dx, dresidual);
    unchecked().reluBackwardInference(
        norm, x, residual, dy, gamma, beta, runningMean, runningVar, dx, dresidual, dgamma, dbeta, workspace);
  }

  private static ArgumentChecks reluBackwardInputs(
      BatchNormDescriptor norm,
      MemorySegment x,
      MemorySegment residual,
      MemorySegment dy,
      MemorySegment gamma,
      MemorySegment beta) {
    return backwardInputs(norm, x, dy, gamma)
        .optionalInput("residual", residual, norm.tensorBytes(), element(norm))
        .optionalInput("beta", beta, norm.parameterBytes(), parameter(norm));
  }

  /** The gradient by the residual is computed beside that by x. */
  private static void requireNeedsOfResidualGradient(
      MemorySegment residual, MemorySegment dx, MemorySegment dresidual) {
    if (!ArgumentChecks.isMissing("dresidual", dresidual)) {
      requireForResidualGradient("residual", residual);
      requireForResidualGradient("dx", dx);
    }
  }

  private static void requireForResidualGradient(String name, MemorySegment segment) {
    if (ArgumentChecks.isMissing(name, segment)) {
      throw new IllegalArgumentException(name + " is MemorySegment.NULL, but dresidual needs it");
    }
  }

  @Override
  default void updateRunning(
      RunningRule rule,
      DataType type,
      long channels,
      long count,
      MemorySegment mean,
      MemorySegment variance,
      MemorySegment runningMean,
      MemorySegment runningVar,
      MemorySegment batches,
      MemorySegment refused) {
    var fewest = rule.unbiased() ? 2 : 1;
    if (count < fewest) {
      throw new IllegalArgumentException("count must be at least %d, not %d".formatted(fewest, count));
    }
    var statistics = Validating.arrayBytes("channels", channels, DOUBLE);
    var parameter = type.parameterType().bytes();
    requireDisjointOutputs(
        ArgumentChecks.begin()
            .input("mean", mean, statistics, DOUBLE)
            .input("variance", variance, statistics, DOUBLE)
            .output("runningMean", runningMean, channels * parameter, parameter)
            .output("runningVar", runningVar, channels * parameter, parameter)
            .output("batches", batches, Long.BYTES, Long.BYTES)
            .output("refused", refused, Long.BYTES, Long.BYTES));
    unchecked().updateRunning(
        rule, type, channels, count, mean, variance, runningMean, runningVar, batches, refused);
  }

  @Override
  default void localStatistics(
      BatchNormDescriptor norm,
      MemorySegment x,
      MemorySegment mean,
      MemorySegment variance,
      MemorySegment workspace) {
    requireDisjointOutputs(
        ArgumentChecks.begin()
            .input("x", x, norm.tensorBytes(), element(norm))
            .output("mean", mean, norm.statisticsBytes(), DOUBLE)
            .output("variance", variance, norm.statisticsBytes(), DOUBLE)
            .workspace(workspace));
    unchecked().localStatistics(norm, x, mean, variance, workspace);
  }

  @Override
  default void mergeStatistics(
      long channels,
      long parts,
      MemorySegment counts,
      MemorySegment means,
      MemorySegment variances,
      MemorySegment count,
      MemorySegment mean,
      MemorySegment variance) {
    var statistics = Validating.arrayBytes("channels", channels, DOUBLE);
    var all = Validating.arrayBytes("parts", parts, statistics);
    requireDisjointOutputs(
        ArgumentChecks.begin()
            .input("counts", counts, parts * Long.BYTES, Long.BYTES)
            .input("means", means, all, DOUBLE)
            .input("variances", variances, all, DOUBLE)
            .output("count", count, Long.BYTES, Long.BYTES)
            .output("mean", mean, statistics, DOUBLE)
            .output("variance", variance, statistics, DOUBLE));
    if (sumOfCounts(parts, counts) == 0) {
      throw new IllegalArgumentException("all counts are 0: there is nothing to merge");
    }
    unchecked().mergeStatistics(channels, parts, counts, means, variances, count, mean, variance);
  }

  private static long sumOfCounts(long parts, MemorySegment counts) {
    var sum = 0L;
    for (var part = 0L; part < parts; part++) {
      var count = counts.getAtIndex(ValueLayout.JAVA_LONG, part);
      if (count < 0) {
        throw new IllegalArgumentException("counts[%d] is negative: %d".formatted(part, count));
      }
      sum = Math.addExact(sum, count);
    }
    return sum;
  }

  @Override
  default void normalize(
      BatchNormDescriptor norm,
      MemorySegment x,
      MemorySegment gamma,
      MemorySegment beta,
      MemorySegment mean,
      MemorySegment variance,
      MemorySegment y,
      MemorySegment workspace) {
    var element = element(norm);
    var parameter = parameter(norm);
    requireDisjointOutputs(
        ArgumentChecks.begin()
            .input("x", x, norm.tensorBytes(), element)
            .optionalInput("gamma", gamma, norm.parameterBytes(), parameter)
            .optionalInput("beta", beta, norm.parameterBytes(), parameter)
            .input("mean", mean, norm.statisticsBytes(), DOUBLE)
            .input("variance", variance, norm.statisticsBytes(), DOUBLE)
            .outputInPlace("y", y, norm.tensorBytes(), element, "x")
            .workspace(workspace));
    unchecked().normalize(norm, x, gamma, beta, mean, variance, y, workspace);
  }

  @Override
  default void localGradientSums(
      BatchNormDescriptor norm,
      MemorySegment x,
      MemorySegment dy,
      MemorySegment mean,
      MemorySegment variance,
      MemorySegment sumDy,
      MemorySegment sumDyXHat,
      MemorySegment workspace) {
    var element = element(norm);
    requireDisjointOutputs(
        ArgumentChecks.begin()
            .input("x", x, norm.tensorBytes(), element)
            .input("dy", dy, norm.tensorBytes(), element)
            .input("mean", mean, norm.statisticsBytes(), DOUBLE)
            .input("variance", variance, norm.statisticsBytes(), DOUBLE)
            .output("sumDy", sumDy, norm.statisticsBytes(), DOUBLE)
            .output("sumDyXHat", sumDyXHat, norm.statisticsBytes(), DOUBLE)
            .workspace(workspace));
    unchecked().localGradientSums(norm, x, dy, mean, variance, sumDy, sumDyXHat, workspace);
  }

  @Override
  default void mergeGradientSums(
      long channels,
      long parts,
      MemorySegment counts,
      MemorySegment sumsDy,
      MemorySegment sumsDyXHat,
      MemorySegment sumDy,
      MemorySegment sumDyXHat) {
    var sums = Validating.arrayBytes("channels", channels, DOUBLE);
    var all = Validating.arrayBytes("parts", parts, sums);
    requireDisjointOutputs(
        ArgumentChecks.begin()
            .input("counts", counts, parts * Long.BYTES, Long.BYTES)
            .input("sumsDy", sumsDy, all, DOUBLE)
            .input("sumsDyXHat", sumsDyXHat, all, DOUBLE)
            .output("sumDy", sumDy, sums, DOUBLE)
            .output("sumDyXHat", sumDyXHat, sums, DOUBLE));
    if (sumOfCounts(parts, counts) == 0) {
      throw new IllegalArgumentException("all counts are 0: there is nothing to merge");
    }
    unchecked().mergeGradientSums(channels, parts, counts, sumsDy, sumsDyXHat, sumDy, sumDyXHat);
  }

  @Override
  default void gradientInput(
      BatchNormDescriptor norm,
      MemorySegment x,
      MemorySegment dy,
      MemorySegment gamma,
      MemorySegment mean,
      MemorySegment variance,
      long count,
      MemorySegment sumDy,
      MemorySegment sumDyXHat,
      MemorySegment dx,
      MemorySegment workspace) {
    if (count < norm.valuesPerChannel()) {
      throw new IllegalArgumentException(
          "count %d of the whole is below the %d of the part".formatted(count, norm.valuesPerChannel()));
    }
    requireDisjointOutputs(
        backwardInputs(norm, x, dy, gamma)
            .input("mean", mean, norm.statisticsBytes(), DOUBLE)
            .input("variance", variance, norm.statisticsBytes(), DOUBLE)
            .input("sumDy", sumDy, norm.statisticsBytes(), DOUBLE)
            .input("sumDyXHat", sumDyXHat, norm.statisticsBytes(), DOUBLE)
            .outputInPlace("dx", dx, norm.tensorBytes(), element(norm), "dy")
            .workspace(workspace));
    unchecked().gradientInput(norm, x, dy, gamma, mean, variance, count, sumDy, sumDyXHat, dx, workspace);
  }

  @Override
  default void fold(
      DataType type,
      long channels,
      long fanIn,
      double epsilon,
      MemorySegment weights,
      MemorySegment bias,
      MemorySegment gamma,
      MemorySegment beta,
      MemorySegment runningMean,
      MemorySegment runningVar,
      MemorySegment foldedWeights,
      MemorySegment foldedBias) {
    BatchNormDescriptor.requireEpsilon(epsilon);
    var element = type.bytes();
    var parameter = type.parameterType().bytes();
    var parameterBytes = Validating.arrayBytes("channels", channels, parameter);
    var weightBytes = Validating.arrayBytes("fanIn", fanIn, channels * element);
    requireDisjointOutputs(
        ArgumentChecks.begin()
            .input("weights", weights, weightBytes, element)
            .optionalInput("bias", bias, parameterBytes, parameter)
            .optionalInput("gamma", gamma, parameterBytes, parameter)
            .optionalInput("beta", beta, parameterBytes, parameter)
            .input("runningMean", runningMean, parameterBytes, parameter)
            .input("runningVar", runningVar, parameterBytes, parameter)
            .outputInPlace("foldedWeights", foldedWeights, weightBytes, element, "weights")
            .outputInPlace("foldedBias", foldedBias, parameterBytes, parameter, "bias"));
    unchecked().fold(
        type,
        channels,
        fanIn,
        epsilon,
        weights,
        bias,
        gamma,
        beta,
        runningMean,
        runningVar,
        foldedWeights,
        foldedBias);
  }
}
