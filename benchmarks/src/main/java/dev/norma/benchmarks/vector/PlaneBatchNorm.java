package dev.norma.benchmarks.vector;

import dev.norma.BatchNormDescriptor;

/**
 * Channels first: each thread takes its channels one after the other, so that the second pass over a channel finds it in
 * the cache, the last sample first.
 */
final class PlaneBatchNorm extends VectorBatchNorm {
  /** Values that are added up in the type before they go to a sum in double. */
  private static final int CHUNK = 8_192;

  /** How many values of a channel the shift of its sums is the mean of. */
  private static final int SAMPLES = 8;

  /** A cache line of doubles, so that threads do not share one. */
  private static final int SUMS = 8;

  private final int batch;
  private final int channels;
  private final int spatial;
  private final long stride;

  /** Two sums for each thread. */
  private final double[] sums;

  private final Team.Work forward = this::forwardTraining;
  private final Team.Work infer = this::forwardInference;
  private final Team.Work backward = this::backwardTraining;

  PlaneBatchNorm(BatchNormDescriptor norm, double updateWeight) {
    super(norm, updateWeight);
    batch = Math.toIntExact(norm.batch());
    channels = Math.toIntExact(norm.channels());
    spatial = Math.toIntExact(norm.spatial());
    stride = norm.channels() * norm.spatial();
    sums = new double[team.size() * SUMS];
  }

  @Override
  void forwardTraining() {
    team.run(forward);
  }

  @Override
  void forwardInference() {
    team.run(infer);
  }

  @Override
  void backwardTraining() {
    team.run(backward);
  }

  private int firstChannel(int thread) {
    return (int) ((long) channels * thread / team.size());
  }

  private long start(int n, int c) {
    return n * stride + (long) c * spatial;
  }

  private void forwardTraining(int thread) {
    for (var c = firstChannel(thread); c < firstChannel(thread + 1); c++) {
      moments(thread, c);
      kernels.normalize(x, y, start(0, c), batch, stride, spatial, center(c), scale(c), offset(c));
    }
  }

  private void forwardInference(int thread) {
    for (var c = firstChannel(thread); c < firstChannel(thread + 1); c++) {
      kernels.normalize(
          x, y, start(0, c), batch, stride, spatial, runningCenter(c), runningScale(c), runningOffset(c));
    }
  }

  private void backwardTraining(int thread) {
    for (var c = firstChannel(thread); c < firstChannel(thread + 1); c++) {
      gradientSums(thread, c);
      var sumDy = sums[thread * SUMS];
      var sumDyD = sums[thread * SUMS + 1];
      storeGradients(c, sumDy, sumDyD);
      var slope = gradientSlope(c, sumDy, sumDyD);
      var offset = gradientOffset(c, sumDy, slope);
      kernels.gradient(x, dy, dx, start(0, c), batch, stride, spatial, center(c), slope, offset, scale(c));
    }
  }

  private void moments(int thread, int c) {
    var shift = shift(c);
    clearSums(thread);
    var samples = samplesAtOnce();
    for (var n = 0; n < batch; n += samples) {
      var rows = Math.min(samples, batch - n);
      for (var s = 0; s < spatial; s += CHUNK) {
        var length = Math.min(CHUNK, spatial - s);
        kernels.sums(x, start(n, c) + s, rows, stride, length, shift, sums, thread * SUMS);
      }
    }
    storeMoments(c, shift, sums[thread * SUMS], sums[thread * SUMS + 1]);
  }

  private void gradientSums(int thread, int c) {
    clearSums(thread);
    var samples = samplesAtOnce();
    for (var n = 0; n < batch; n += samples) {
      var rows = Math.min(samples, batch - n);
      for (var s = 0; s < spatial; s += CHUNK) {
        var length = Math.min(CHUNK, spatial - s);
        kernels.gradientSums(x, dy, start(n, c) + s, rows, stride, length, center(c), sums, thread * SUMS);
      }
    }
  }

  private int samplesAtOnce() {
    return Math.max(1, CHUNK / spatial);
  }

  private void clearSums(int thread) {
    sums[thread * SUMS] = 0;
    sums[thread * SUMS + 1] = 0;
  }

  /** About the mean: the mean of values spread over the channel; their very value if they are all the same. */
  private double shift(int c) {
    var first = kernels.get(x, start(0, c));
    var samples = (int) Math.min(SAMPLES, count);
    var sum = 0.0;
    for (var i = 1; i < samples; i++) {
      var at = count * i / samples;
      sum += kernels.get(x, start((int) (at / spatial), c) + at % spatial) - first;
    }
    return kernels.round(first + sum / samples);
  }
}
