package dev.norma;

import static java.lang.foreign.MemorySegment.NULL;
import static java.lang.foreign.ValueLayout.JAVA_DOUBLE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.function.LongFunction;

/** Batch normalization in plain loops. Each channel is taken by itself. */
interface ReferenceBatchNorm extends BatchNormKernels {
  @Override
  default long workspaceSize(BatchNormDescriptor norm) {
    return 0;
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
    for (var c = 0L; c < norm.channels(); c++) {
      var moments = batchMoments(norm, x, c, mean, variance);
      new NormalizedChannel(norm, x, NULL, gamma, beta, c, moments).store(y);
    }
  }

  /** Takes the moments of a channel and stores them. */
  private static Moments batchMoments(
      BatchNormDescriptor norm, MemorySegment x, long c, MemorySegment mean, MemorySegment variance) {
    var moments = Moments.of(norm, x, c);
    mean.setAtIndex(JAVA_DOUBLE, c, moments.mean());
    variance.setAtIndex(JAVA_DOUBLE, c, moments.variance());
    return moments;
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
    for (var c = 0L; c < norm.channels(); c++) {
      var moments = Moments.ofRunning(norm, runningMean, runningVar, c);
      new NormalizedChannel(norm, x, NULL, gamma, beta, c, moments).store(y);
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
    for (var c = 0L; c < norm.channels(); c++) {
      var moments = Moments.ofBatch(mean, variance, c);
      new NormalizedChannel(norm, x, NULL, gamma, beta, c, moments).store(y);
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
    for (var c = 0L; c < norm.channels(); c++) {
      var moments = Moments.ofBatch(mean, variance, c);
      var sums = GradientSums.of(norm, x, dy, c, moments);
      store(norm, dgamma, dbeta, c, sums);
      if (dx.address() != 0) {
        gradientInput(norm, x, dy, gamma, dx, c, moments, sums, norm.valuesPerChannel());
      }
    }
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
    for (var c = 0L; c < norm.channels(); c++) {
      var moments = Moments.ofRunning(norm, runningMean, runningVar, c);
      store(norm, dgamma, dbeta, c, GradientSums.of(norm, x, dy, c, moments));
      if (dx.address() != 0) {
        scaleGradient(norm, dy, gamma, dx, c, moments);
      }
    }
  }

  /** Stores those of the gradients of a channel's parameters that are wanted. */
  static void store(
      BatchNormDescriptor norm, MemorySegment dgamma, MemorySegment dbeta, long c, GradientSums sums) {
    var type = norm.dataType().parameterType();
    if (dgamma.address() != 0) {
      type.set(dgamma, c, sums.dyXHat());
    }
    if (dbeta.address() != 0) {
      type.set(dbeta, c, sums.dy());
    }
  }

  /** One channel of dx, by sums over so many values. */
  static void gradientInput(
      BatchNormDescriptor norm,
      MemorySegment x,
      MemorySegment dy,
      MemorySegment gamma,
      MemorySegment dx,
      long c,
      Moments moments,
      GradientSums sums,
      long count) {
    var type = norm.dataType();
    var invStd = moments.invStd(norm.epsilon());
    var scale = NormalizedChannel.parameter(norm, gamma, c, 1);
    for (var n = 0L; n < norm.batch(); n++) {
      for (var s = 0L; s < norm.spatial(); s++) {
        var i = norm.index(n, c, s);
        var xHat = moments.deviation(type.get(x, i)) * invStd;
        var centred = type.get(dy, i) - sums.dy() / count - xHat * (sums.dyXHat() / count);
        type.set(dx, i, scale * invStd * centred);
      }
    }
  }

  /** One channel of dx where the statistics are constants. */
  static void scaleGradient(
      BatchNormDescriptor norm, MemorySegment dy, MemorySegment gamma, MemorySegment dx, long c, Moments moments) {
    var type = norm.dataType();
    var scale = NormalizedChannel.parameter(norm, gamma, c, 1) * moments.invStd(norm.epsilon());
    for (var n = 0L; n < norm.batch(); n++) {
      for (var s = 0L; s < norm.spatial(); s++) {
        var i = norm.index(n, c, s);
        type.set(dx, i, scale * type.get(dy, i));
      }
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
    for (var c = 0L; c < norm.channels(); c++) {
      var moments = batchMoments(norm, x, c, mean, variance);
      new NormalizedChannel(norm, x, residual, gamma, beta, c, moments).storeRectified(y);
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
    for (var c = 0L; c < norm.channels(); c++) {
      var moments = Moments.ofRunning(norm, runningMean, runningVar, c);
      new NormalizedChannel(norm, x, residual, gamma, beta, c, moments).storeRectified(y);
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
      LongFunction<Moments> moments = c -> Moments.ofBatch(mean, variance, c);
      var passed = passed(arena, norm, x, residual, dy, gamma, beta, moments);
      backwardTraining(norm, x, passed, gamma, mean, variance, dx, dgamma, dbeta, workspace);
      storeResidualGradient(norm, passed, dresidual);
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
      LongFunction<Moments> moments = c -> Moments.ofRunning(norm, runningMean, runningVar, c);
      var passed = passed(arena, norm, x, residual, dy, gamma, beta, moments);
      backwardInference(norm, x, passed, gamma, runningMean, runningVar, dx, dgamma, dbeta, workspace);
      storeResidualGradient(norm, passed, dresidual);
    }
  }

  /** A tensor of what ReLU lets through of dy, which an output may overwrite. */
  private static MemorySegment passed(
      Arena arena,
      BatchNormDescriptor norm,
      MemorySegment x,
      MemorySegment residual,
      MemorySegment dy,
      MemorySegment gamma,
      MemorySegment beta,
      LongFunction<Moments> moments) {
    var passed = arena.allocate(norm.tensorBytes(), Double.BYTES);
    for (var c = 0L; c < norm.channels(); c++) {
      new NormalizedChannel(norm, x, residual, gamma, beta, c, moments.apply(c)).storePassed(dy, passed);
    }
    return passed;
  }

  private static void storeResidualGradient(BatchNormDescriptor norm, MemorySegment passed, MemorySegment dresidual) {
    if (dresidual.address() != 0) {
      MemorySegment.copy(passed, 0, dresidual, 0, norm.tensorBytes());
    }
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
    var type = dataType.parameterType();
    var taken = batches.get(JAVA_LONG, 0);
    var keep = rule.kept(taken);
    var toUnbiased = rule.unbiased() ? count / (count - 1.0) : 1;
    if (rule.refuseNonFinite()
        && !(follows(type, channels, keep, mean, 1, runningMean)
            && follows(type, channels, keep, variance, toUnbiased, runningVar))) {
      refused.set(JAVA_LONG, 0, refused.get(JAVA_LONG, 0) + 1);
      return;
    }
    for (var c = 0L; c < channels; c++) {
      type.set(runningMean, c, blend(type, keep, runningMean, mean, 1, c));
      type.set(runningVar, c, blend(type, keep, runningVar, variance, toUnbiased, c));
    }
    batches.set(JAVA_LONG, 0, taken + 1);
  }

  private static double blend(
      DataType type, double keep, MemorySegment running, MemorySegment batch, double factor, long c) {
    var old = keep == 0 ? 0 : keep * type.get(running, c);
    return old + (1 - keep) * (batch.getAtIndex(JAVA_DOUBLE, c) * factor);
  }

  /** Whether all new running values are finite, also after rounding to their type. */
  private static boolean follows(
      DataType type, long channels, double keep, MemorySegment batch, double factor, MemorySegment running) {
    for (var c = 0L; c < channels; c++) {
      if (!Double.isFinite(type.round(blend(type, keep, running, batch, factor, c)))) {
        return false;
      }
    }
    return true;
  }

  @Override
  default void localStatistics(
      BatchNormDescriptor norm,
      MemorySegment x,
      MemorySegment mean,
      MemorySegment variance,
      MemorySegment workspace) {
    for (var c = 0L; c < norm.channels(); c++) {
      batchMoments(norm, x, c, mean, variance);
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
    for (var c = 0L; c < channels; c++) {
      var merged = Moments.merge(channels, parts, counts, means, variances, c);
      mean.setAtIndex(JAVA_DOUBLE, c, merged.mean());
      variance.setAtIndex(JAVA_DOUBLE, c, merged.variance());
    }
    count.set(JAVA_LONG, 0, Moments.total(parts, counts));
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
    for (var c = 0L; c < norm.channels(); c++) {
      var sums = GradientSums.of(norm, x, dy, c, Moments.ofBatch(mean, variance, c));
      sumDy.setAtIndex(JAVA_DOUBLE, c, sums.dy());
      sumDyXHat.setAtIndex(JAVA_DOUBLE, c, sums.dyXHat());
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
    for (var c = 0L; c < channels; c++) {
      sumDy.setAtIndex(JAVA_DOUBLE, c, sumOfParts(channels, parts, counts, sumsDy, c));
      sumDyXHat.setAtIndex(JAVA_DOUBLE, c, sumOfParts(channels, parts, counts, sumsDyXHat, c));
    }
  }

  private static double sumOfParts(
      long channels, long parts, MemorySegment counts, MemorySegment sums, long c) {
    var sum = new CompensatedSum();
    for (var part = 0L; part < parts; part++) {
      if (counts.getAtIndex(JAVA_LONG, part) > 0) {
        sum.add(sums.getAtIndex(JAVA_DOUBLE, part * channels + c));
      }
    }
    return sum.value();
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
    for (var c = 0L; c < norm.channels(); c++) {
      var sums = new GradientSums(sumDy.getAtIndex(JAVA_DOUBLE, c), sumDyXHat.getAtIndex(JAVA_DOUBLE, c));
      gradientInput(norm, x, dy, gamma, dx, c, Moments.ofBatch(mean, variance, c), sums, count);
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
    var rows = FoldedChannel.rows(type, channels, fanIn, epsilon);
    for (var c = 0L; c < channels; c++) {
      var moments = Moments.ofRunning(rows, runningMean, runningVar, c);
      new FoldedChannel(rows, weights, bias, gamma, beta, c, moments).store(foldedWeights, foldedBias);
    }
  }
}
