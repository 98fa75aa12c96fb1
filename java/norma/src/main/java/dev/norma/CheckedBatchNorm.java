package dev.norma;

import static java.lang.foreign.MemorySegment.NULL;
import static java.lang.foreign.ValueLayout.JAVA_DOUBLE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Batch normalization, compared with the reference. */
interface CheckedBatchNorm extends BatchNormKernels, Checking {
  @Override
  default long workspaceSize(BatchNormDescriptor norm) {
    return kernels().workspaceSize(norm);
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
    try (var arena = Arena.ofConfined()) {
      // The input may be the output.
      var input = copyOfTensor(arena, norm, x);
      kernels().forwardTraining(norm, x, gamma, beta, y, mean, variance, workspace);
      compareStatistics(arena, "forwardTraining", norm, input, mean, variance);
      var expected = new ExpectedOutput(arena, "forwardTraining", norm);
      for (var c = 0L; c < norm.channels(); c++) {
        var moments = Moments.ofBatch(mean, variance, c);
        expected.expect(new NormalizedChannel(norm, input, NULL, gamma, beta, c, moments));
      }
      expected.compare(y);
    }
  }

  private static MemorySegment copyOfTensor(Arena arena, BatchNormDescriptor norm, MemorySegment tensor) {
    return arena.allocate(norm.tensorBytes(), Double.BYTES).copyFrom(tensor.asSlice(0, norm.tensorBytes()));
  }

  private void compareStatistics(
      Arena arena,
      String operation,
      BatchNormDescriptor norm,
      MemorySegment x,
      MemorySegment mean,
      MemorySegment variance) {
    var means = statistics(arena, operation, "mean", norm);
    var variances = statistics(arena, operation, "variance", norm);
    reference().localStatistics(norm, x, means.values(), variances.values(), NULL);
    var tolerances = new Tolerances(norm.dataType(), norm.epsilon());
    for (var c = 0L; c < norm.channels(); c++) {
      var moments = new Moments(means.value(c), 0, variances.value(c));
      means.allow(c, tolerances.mean(moments));
      variances.allow(c, tolerances.variance(moments));
    }
    means.compare(mean);
    variances.compare(variance);
  }

  private static Expectation statistics(Arena arena, String operation, String output, BatchNormDescriptor norm) {
    return Expectation.ofArray(arena, operation, output, norm.channels(), DataType.FLOAT64);
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
    try (var arena = Arena.ofConfined()) {
      var expected = new ExpectedOutput(arena, "forwardInference", norm);
      for (var c = 0L; c < norm.channels(); c++) {
        var moments = Moments.ofRunning(norm, runningMean, runningVar, c);
        expected.expect(new NormalizedChannel(norm, x, NULL, gamma, beta, c, moments));
      }
      kernels().forwardInference(norm, x, gamma, beta, runningMean, runningVar, y, workspace);
      expected.compare(y);
    }
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
    try (var arena = Arena.ofConfined()) {
      var expected = new ExpectedOutput(arena, "normalize", norm);
      for (var c = 0L; c < norm.channels(); c++) {
        var moments = Moments.ofBatch(mean, variance, c);
        expected.expect(new NormalizedChannel(norm, x, NULL, gamma, beta, c, moments));
      }
      kernels().normalize(norm, x, gamma, beta, mean, variance, y, workspace);
      expected.compare(y);
    }
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
    try (var arena = Arena.ofConfined()) {
      // The gradient by y may be the output. Sums that are not wanted are asked for as well: dx is made from them.
      var gradient = copyOfTensor(arena, norm, dy);
      var sumDyXHat = orScratch(arena, norm, dgamma);
      var sumDy = orScratch(arena, norm, dbeta);
      kernels().backwardTraining(norm, x, dy, gamma, mean, variance, dx, sumDyXHat, sumDy, workspace);
      var expected = new ExpectedGradients(arena, "backwardTraining", norm);
      for (var c = 0L; c < norm.channels(); c++) {
        var moments = Moments.ofBatch(mean, variance, c);
        expected.expectSums(x, gradient, c, moments);
        expected.expectGradient(x, gradient, gamma, c, moments, sumDyXHat, sumDy);
      }
      expected.compare(dx, sumDyXHat, sumDy);
    }
  }

  /** A gradient of parameters, or scratch in place of one that is not wanted. */
  private static MemorySegment orScratch(Arena arena, BatchNormDescriptor norm, MemorySegment gradient) {
    return gradient.address() == 0 ? arena.allocate(norm.parameterBytes(), Double.BYTES) : gradient;
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
    try (var arena = Arena.ofConfined()) {
      var expected = new ExpectedGradients(arena, "backwardInference", norm);
      for (var c = 0L; c < norm.channels(); c++) {
        var moments = Moments.ofRunning(norm, runningMean, runningVar, c);
        expected.expectSums(x, dy, c, moments);
        expected.expectScaled(dy, gamma, c, moments);
      }
      kernels().backwardInference(
          norm, x, dy, gamma, runningMean, runningVar, dx, dgamma, dbeta, workspace);
      expected.compare(dx, dgamma, dbeta);
    }
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
    try (var arena = Arena.ofConfined()) {
      // Either input may be the output.
      var input = copyOfTensor(arena, norm, x);
      var added = residual.address() == 0 ? NULL : copyOfTensor(arena, norm, residual);
      kernels().reluForwardTraining(norm, x, residual, gamma, beta, y, mean, variance, workspace);
      compareStatistics(arena, "reluForwardTraining", norm, input, mean, variance);
      var expected = new ExpectedOutput(arena, "reluForwardTraining", norm);
      for (var c = 0L; c < norm.channels(); c++) {
        var moments = Moments.ofBatch(mean, variance, c);
        expected.expectRectified(new NormalizedChannel(norm, input, added, gamma, beta, c, moments));
      }
      expected.compare(y);
    }
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
    try (var arena = Arena.ofConfined()) {
      var expected = new ExpectedOutput(arena, "reluForwardInference", norm);
      for (var c = 0L; c < norm.channels(); c++) {
        var moments = Moments.ofRunning(norm, runningMean, runningVar, c);
        expected.expectRectified(new NormalizedChannel(norm, x, residual, gamma, beta, c, moments));
      }
      kernels().reluForwardInference(norm, x, residual, gamma, beta, runningMean, runningVar, y, workspace);
      expected.compare(y);
    }
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
    try (var arena = Arena.ofConfined()) {
      var passed = new PassedGradient(arena, norm, copyOfTensor(arena, norm, dy));
      var sumDyXHat = orScratch(arena, norm, dgamma);
      var sumDy = orScratch(arena, norm, dbeta);
      kernels().reluBackwardTraining(
          norm, x, residual, dy, gamma, beta, mean, variance, dx, dresidual, sumDyXHat, sumDy, workspace);
      var expected = new ExpectedGradients(arena, "reluBackwardTraining", norm);
      var withUndecided = new ExpectedGradients(arena, "reluBackwardTraining", norm);
      for (var c = 0L; c < norm.channels(); c++) {
        var moments = Moments.ofBatch(mean, variance, c);
        passed.pass(new NormalizedChannel(norm, x, residual, gamma, beta, c, moments));
        expected.expectSums(x, passed, c, moments);
        expected.expectGradient(x, passed.least(), gamma, c, moments, sumDyXHat, sumDy);
        withUndecided.expectGradient(x, passed.most(), gamma, c, moments, sumDyXHat, sumDy);
      }
      expected.orElse(withUndecided, dx);
      expected.compare(dx, sumDyXHat, sumDy);
      passed.compareResidualGradient(arena, "reluBackwardTraining", dresidual);
    }
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
    try (var arena = Arena.ofConfined()) {
      var passed = new PassedGradient(arena, norm, dy);
      var expected = new ExpectedGradients(arena, "reluBackwardInference", norm);
      var withUndecided = new ExpectedGradients(arena, "reluBackwardInference", norm);
      for (var c = 0L; c < norm.channels(); c++) {
        var moments = Moments.ofRunning(norm, runningMean, runningVar, c);
        passed.pass(new NormalizedChannel(norm, x, residual, gamma, beta, c, moments));
        expected.expectSums(x, passed, c, moments);
        expected.expectScaled(passed.least(), gamma, c, moments);
        withUndecided.expectScaled(passed.most(), gamma, c, moments);
      }
      kernels().reluBackwardInference(
          norm, x, residual, dy, gamma, beta, runningMean, runningVar, dx, dresidual, dgamma, dbeta, workspace);
      expected.orElse(withUndecided, dx);
      expected.compare(dx, dgamma, dbeta);
      passed.compareResidualGradient(arena, "reluBackwardInference", dresidual);
    }
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
    try (var arena = Arena.ofConfined()) {
      var expected = new ExpectedGradients(arena, "gradientInput", norm);
      var exact = new GradientSums(0, 0);
      for (var c = 0L; c < norm.channels(); c++) {
        var sums = new GradientSums(sumDy.getAtIndex(JAVA_DOUBLE, c), sumDyXHat.getAtIndex(JAVA_DOUBLE, c));
        expected.expectGradient(x, dy, gamma, c, Moments.ofBatch(mean, variance, c), sums, exact, count);
      }
      kernels().gradientInput(
          norm, x, dy, gamma, mean, variance, count, sumDy, sumDyXHat, dx, workspace);
      expected.compare(dx, NULL, NULL);
    }
  }

  @Override
  default void localStatistics(
      BatchNormDescriptor norm,
      MemorySegment x,
      MemorySegment mean,
      MemorySegment variance,
      MemorySegment workspace) {
    try (var arena = Arena.ofConfined()) {
      kernels().localStatistics(norm, x, mean, variance, workspace);
      compareStatistics(arena, "localStatistics", norm, x, mean, variance);
    }
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
    try (var arena = Arena.ofConfined()) {
      var sumsDy = statistics(arena, "localGradientSums", "sumDy", norm);
      var sumsDyXHat = statistics(arena, "localGradientSums", "sumDyXHat", norm);
      reference().localGradientSums(
          norm, x, dy, mean, variance, sumsDy.values(), sumsDyXHat.values(), NULL);
      var tolerances = new Tolerances(norm.dataType(), norm.epsilon());
      for (var c = 0L; c < norm.channels(); c++) {
        var moments = Moments.ofBatch(mean, variance, c);
        var magnitudes = GradientSums.ofMagnitudes(norm, x, dy, c, moments);
        sumsDy.allow(c, tolerances.sumDy(magnitudes));
        sumsDyXHat.allow(c, tolerances.sumDyXHat(moments, magnitudes, norm.valuesPerChannel()));
      }
      kernels().localGradientSums(norm, x, dy, mean, variance, sumDy, sumDyXHat, workspace);
      sumsDy.compare(sumDy);
      sumsDyXHat.compare(sumDyXHat);
    }
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
    try (var arena = Arena.ofConfined()) {
      var total = arena.allocate(JAVA_LONG);
      var mergedMean = Expectation.ofArray(arena, "mergeStatistics", "mean", channels, DataType.FLOAT64);
      var mergedVariance = Expectation.ofArray(arena, "mergeStatistics", "variance", channels, DataType.FLOAT64);
      reference().mergeStatistics(
          channels, parts, counts, means, variances, total, mergedMean.values(), mergedVariance.values());
      for (var c = 0L; c < channels; c++) {
        var spread = Math.sqrt(mergedVariance.value(c));
        mergedMean.allow(c, Tolerances.sumOfDoubles(parts, spread + Math.abs(mergedMean.value(c))));
        var moved = spread * Tolerances.sumOfDoubles(parts, Math.abs(mergedMean.value(c)));
        mergedVariance.allow(c, Tolerances.sumOfDoubles(parts, mergedVariance.value(c)) + moved);
      }
      kernels().mergeStatistics(channels, parts, counts, means, variances, count, mean, variance);
      requireEqual("mergeStatistics", "count", total, count);
      mergedMean.compare(mean);
      mergedVariance.compare(variance);
    }
  }

  private static void requireEqual(String operation, String output, MemorySegment expected, MemorySegment actual) {
    var wanted = expected.get(JAVA_LONG, 0);
    var found = actual.get(JAVA_LONG, 0);
    if (wanted != found) {
      throw new MismatchException(operation, output, "its only value", wanted, found, 0);
    }
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
    try (var arena = Arena.ofConfined()) {
      var mergedDy = Expectation.ofArray(arena, "mergeGradientSums", "sumDy", channels, DataType.FLOAT64);
      var mergedDyXHat = Expectation.ofArray(arena, "mergeGradientSums", "sumDyXHat", channels, DataType.FLOAT64);
      reference().mergeGradientSums(
          channels, parts, counts, sumsDy, sumsDyXHat, mergedDy.values(), mergedDyXHat.values());
      for (var c = 0L; c < channels; c++) {
        mergedDy.allow(c, Tolerances.sumOfDoubles(parts, magnitudes(channels, parts, counts, sumsDy, c)));
        mergedDyXHat.allow(c, Tolerances.sumOfDoubles(parts, magnitudes(channels, parts, counts, sumsDyXHat, c)));
      }
      kernels().mergeGradientSums(channels, parts, counts, sumsDy, sumsDyXHat, sumDy, sumDyXHat);
      mergedDy.compare(sumDy);
      mergedDyXHat.compare(sumDyXHat);
    }
  }

  private static double magnitudes(long channels, long parts, MemorySegment counts, MemorySegment sums, long c) {
    var sum = 0d;
    for (var part = 0L; part < parts; part++) {
      if (counts.getAtIndex(JAVA_LONG, part) > 0) {
        sum += Math.abs(sums.getAtIndex(JAVA_DOUBLE, part * channels + c));
      }
    }
    return sum;
  }

  @Override
  default void updateRunning(
      RunningRule rule,
      DataType dataType,
      long channels,
      long count,
      MemorySegment mean,
      MemorySegment variance,
      MemorySegment runningMean,
      MemorySegment runningVar,
      MemorySegment batches,
      MemorySegment refused) {
    try (var arena = Arena.ofConfined()) {
      var type = dataType.parameterType();
      var means = Expectation.ofArray(arena, "updateRunning", "runningMean", channels, type);
      var variances = Expectation.ofArray(arena, "updateRunning", "runningVar", channels, type);
      var taken = arena.allocateFrom(JAVA_LONG, batches.get(JAVA_LONG, 0));
      var notTaken = arena.allocateFrom(JAVA_LONG, refused.get(JAVA_LONG, 0));
      var keep = rule.kept(batches.get(JAVA_LONG, 0));
      allowBlend(type, channels, keep, runningMean, mean, means);
      allowBlend(type, channels, keep, runningVar, variance, variances);
      reference().updateRunning(
          rule, type, channels, count, mean, variance, means.values(), variances.values(), taken, notTaken);
      kernels().updateRunning(
          rule, dataType, channels, count, mean, variance, runningMean, runningVar, batches, refused);
      means.compare(runningMean);
      variances.compare(runningVar);
      requireEqual("updateRunning", "batches", taken, batches);
      requireEqual("updateRunning", "refused", notTaken, refused);
    }
  }

  /**
   * Starts from the old running values; M / (M - 1) is at most 2. A batch value that is not finite leaves one that is
   * not either, or the old one.
   */
  private static void allowBlend(
      DataType type, long channels, double keep, MemorySegment running, MemorySegment batch, Expectation expected) {
    var tolerances = new Tolerances(type, 0);
    MemorySegment.copy(running, 0, expected.values(), 0, channels * type.bytes());
    for (var c = 0L; c < channels; c++) {
      var old = keep == 0 ? 0 : Math.abs(type.get(running, c));
      var taken = batch.getAtIndex(JAVA_DOUBLE, c);
      var magnitude = Double.isFinite(taken) ? old + 2 * Math.abs(taken) : old;
      expected.allow(c, tolerances.roundedOnce(magnitude));
    }
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
    try (var arena = Arena.ofConfined()) {
      // Before the call, for the inputs may be the outputs.
      var rows = FoldedChannel.rows(type, channels, fanIn, epsilon);
      var allWeights = Expectation.ofTensor(arena, "fold", "foldedWeights", rows);
      var allBias = Expectation.ofArray(arena, "fold", "foldedBias", channels, type.parameterType());
      var tolerances = new Tolerances(type, epsilon);
      for (var c = 0L; c < channels; c++) {
        var moments = Moments.ofRunning(rows, runningMean, runningVar, c);
        var channel = new FoldedChannel(rows, weights, bias, gamma, beta, c, moments);
        channel.store(allWeights.values(), allBias.values());
        channel.forEach(i -> allWeights.allow(i, tolerances.foldedWeight(channel.weight(i))));
        allBias.allow(c, tolerances.roundedOnce(channel.biasTerms()));
      }
      kernels().fold(
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
      allWeights.compare(foldedWeights);
      allBias.compare(foldedBias);
    }
  }
}
