package dev.norma;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * The statistics of a whole data set for the inference of a layer (Ioffe and Szegedy, <a
 * href="https://arxiv.org/abs/1502.03167">arXiv:1502.03167</a>, algorithm 2, lines 8 to 12), in place of running ones,
 * which lag behind while parameters change.
 *
 * <pre>{@code
 * PopulationStatistics population = layer.populationStatistics();
 * for (Tensor x : batches) {
 *   population.add(x);
 * }
 * population.store();
 * layer.infer(x, y);
 * }</pre>
 *
 * <p>Mean and variance are those of all values together. Line 10 averages the unbiased variances of batches, which is
 * right in the mean for batches drawn at random; here batches are merged, and any give the variance of all. Of N values
 * of a channel, {@link BatchNorm#runningVar} becomes the biased variance, or that times {@code N / (N - 1)} if the
 * layer's {@link RunningRule#unbiased} says so; momentum and cumulative average have no part in it.
 *
 * <p>Batches may have any size and layout, also one value per channel. How the data are cut into batches matters by
 * rounding only: the statistics of a batch are rounded as those of {@link BatchNorm#forward(Tensor, Tensor)}, and
 * merging one rounds the mean and the variance a few times in double.
 *
 * <p>Where the rule is {@link RunningRule#refuseNonFinite}, a batch that would make a statistic NaN or infinite is left
 * out and counted; otherwise it makes them so.
 *
 * <p>The methods want the layer for themselves, as its own do, and throw the same exceptions. The memory is off the
 * heap and needs no closing; nothing is allocated on the Java heap once a shape is known.
 */
public final class PopulationStatistics {
  private static final int PARTS = 2;

  private final BatchNormSettings settings;
  private final Kernels kernels;
  private final BatchNormState state;
  private final BatchNormPasses passes;
  private final LayerGuard guard;
  private final RunningRule rule;
  private final RunningRule ruleOfOneValue;

  /** Of all batches so far, and then of the next one. */
  private final MemorySegment counts;

  private final MemorySegment means;
  private final MemorySegment variances;
  private final MemorySegment batchMean;
  private final MemorySegment batchVariance;

  /** Of both together. */
  private final MemorySegment count;

  private final MemorySegment mean;
  private final MemorySegment variance;

  /** What is to be stored. */
  private final MemorySegment runningMean;

  private final MemorySegment runningVar;
  private final MemorySegment batches;
  private final MemorySegment refused;

  PopulationStatistics(
      BatchNormSettings settings, Kernels kernels, BatchNormState state, BatchNormPasses passes, LayerGuard guard) {
    this.settings = settings;
    this.kernels = kernels;
    this.state = state;
    this.passes = passes;
    this.guard = guard;
    var ofLayer = settings.runningRule();
    // Without momentum the statistics are taken as they are.
    this.rule = new RunningRule(0, false, ofLayer.unbiased(), ofLayer.refuseNonFinite());
    this.ruleOfOneValue = new RunningRule(0, false, false, ofLayer.refuseNonFinite());
    var arena = Arena.ofAuto();
    var statistics = state.batchMean.byteSize();
    var parameters = state.running.mean.byteSize();
    counts = arena.allocate(JAVA_LONG, PARTS);
    means = arena.allocate(PARTS * statistics, Double.BYTES);
    variances = arena.allocate(PARTS * statistics, Double.BYTES);
    batchMean = means.asSlice(statistics);
    batchVariance = variances.asSlice(statistics);
    count = arena.allocate(JAVA_LONG);
    mean = arena.allocate(statistics, Double.BYTES);
    variance = arena.allocate(statistics, Double.BYTES);
    runningMean = arena.allocate(parameters, Double.BYTES);
    runningVar = arena.allocate(parameters, Double.BYTES);
    batches = arena.allocate(JAVA_LONG);
    refused = arena.allocate(JAVA_LONG);
  }

  /**
   * Adds a batch. The layer stays as it is.
   *
   * @param x an input of the layer
   */
  public void add(Tensor x) {
    guard.enterToWrite("add");
    try {
      settings.requireTensor("x", x);
      passes.localStatistics(x, batchMean, batchVariance);
      counts.setAtIndex(JAVA_LONG, 1, x.batch() * x.spatial());
      kernels.mergeStatistics(settings.channels(), PARTS, counts, means, variances, count, mean, variance);
      takeUnlessRefused();
    } finally {
      guard.leaveWriting();
    }
  }

  private void takeUnlessRefused() {
    var total = count.get(JAVA_LONG, 0);
    var before = batches.get(JAVA_LONG, 0);
    kernels.updateRunning(
        total > 1 ? rule : ruleOfOneValue,
        settings.dataType(),
        settings.channels(),
        total,
        mean,
        variance,
        runningMean,
        runningVar,
        batches,
        refused);
    if (batches.get(JAVA_LONG, 0) > before) {
      counts.setAtIndex(JAVA_LONG, 0, total);
      MemorySegment.copy(mean, 0, means, 0, mean.byteSize());
      MemorySegment.copy(variance, 0, variances, 0, variance.byteSize());
    }
  }

  /**
   * Makes the statistics of all that was added the running ones of the layer, and {@link BatchNorm#batches} the number
   * of batches that they follow. Batches that were refused since the last call are added to {@link BatchNorm#refused}.
   * More batches may be added, and stored, afterwards.
   *
   * @throws IllegalStateException if fewer than two values of each channel were added, which have no variance
   */
  public void store() {
    guard.enterToWrite("store");
    try {
      requireVariance();
      MemorySegment.copy(runningMean, 0, state.running.mean, 0, runningMean.byteSize());
      MemorySegment.copy(runningVar, 0, state.running.variance, 0, runningVar.byteSize());
      state.running.batches.set(JAVA_LONG, 0, batches.get(JAVA_LONG, 0));
      state.running.refused.set(JAVA_LONG, 0, state.running.refused() + refused.get(JAVA_LONG, 0));
      refused.set(JAVA_LONG, 0, 0);
    } finally {
      guard.leaveWriting();
    }
  }

  private void requireVariance() {
    var total = counts.getAtIndex(JAVA_LONG, 0);
    if (total < 2) {
      throw new IllegalStateException(
          "store needs at least two values per channel, not %d, which have no variance: add more (refused batches: %d)"
              .formatted(total, refused.get(JAVA_LONG, 0)));
    }
  }
}
