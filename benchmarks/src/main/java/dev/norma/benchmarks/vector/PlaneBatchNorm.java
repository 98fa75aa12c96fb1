package dev.norma.benchmarks.vector;

import dev.norma.BatchNormDescriptor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Channels first: a plane of S elements for each channel of each sample. In training each thread takes its channels in
 * groups. Where planes are long, a group is one channel, so that the second pass finds it in the cache; where they are
 * short, it is all channels of the thread, so that both passes read a sample's planes in the order of memory. The
 * second pass begins with the last sample, which the first has read last.
 */
final class PlaneBatchNorm extends VectorBatchNorm {
  /** Values of a channel that are added up in the type before they go to a sum in double. */
  private static final int CHUNK = 32_768;

  /** How many values of a channel the shift of its sums is the mean of. */
  private static final int SAMPLES = 8;

  /** Planes of so many bytes are fetched ahead well enough to take a channel by itself. */
  private static final int LONG_PLANE_BYTES = 2 << 10;

  private final int batch;
  private final int channels;
  private final int spatial;
  private final long stride;

  /** How many channels a group has at most. */
  private final int group;

  private final int samplesOfChunk;

  private final Arena arena = Arena.ofShared();

  /** Two vectors for each channel: sums in the type. */
  private final MemorySegment partials;

  // Of each channel.
  private final double[] sums;
  private final double[] centers;
  private final double[] scales;
  private final double[] offsets;
  private final double[] slopes;

  private final Team.Work forward = this::forwardTraining;
  private final Team.Work infer = this::forwardInference;
  private final Team.Work backward = this::backwardTraining;

  PlaneBatchNorm(BatchNormDescriptor norm, double updateWeight) {
    super(norm, updateWeight);
    batch = Math.toIntExact(norm.batch());
    channels = Math.toIntExact(norm.channels());
    spatial = Math.toIntExact(norm.spatial());
    stride = norm.channels() * norm.spatial();
    group = norm.spatial() * kernels.bytes() < LONG_PLANE_BYTES ? channels : 1;
    samplesOfChunk = Math.max(1, CHUNK / spatial);
    partials = arena.allocate(partial(channels) * kernels.bytes(), 64);
    sums = new double[2 * channels];
    centers = new double[channels];
    scales = new double[channels];
    offsets = new double[channels];
    slopes = new double[channels];
  }

  @Override
  void forwardTraining() {
    team.run(forward);
  }

  @Override
  void forwardInference() {
    for (var c = 0; c < channels; c++) {
      centers[c] = runningCenter(c);
      scales[c] = runningScale(c);
      offsets[c] = runningOffset(c);
    }
    team.run(infer);
  }

  @Override
  void backwardTraining() {
    team.run(backward);
  }

  private void forwardTraining(int thread) {
    var end = firstChannel(thread + 1);
    for (var c = firstChannel(thread); c < end; c += group) {
      var to = Math.min(c + group, end);
      addUp(c, to);
      endForward(c, to);
      for (var n = batch - 1; n >= 0; n--) {
        normalize(n, c, to);
      }
    }
  }

  /** Nothing is read twice: all samples in the order of memory. */
  private void forwardInference(int thread) {
    var planes = (long) batch * channels;
    var first = planes * thread / team.size();
    var end = planes * (thread + 1) / team.size();
    for (var n = first / channels; n * channels < end; n++) {
      var c = Math.max(0, first - n * channels);
      var to = Math.min(channels, end - n * channels);
      normalize((int) n, (int) c, (int) to);
    }
  }

  private void backwardTraining(int thread) {
    var end = firstChannel(thread + 1);
    for (var c = firstChannel(thread); c < end; c += group) {
      var to = Math.min(c + group, end);
      addUpGradients(c, to);
      endBackward(c, to);
      for (var n = batch - 1; n >= 0; n--) {
        gradient(n, c, to);
      }
    }
  }

  private int firstChannel(int thread) {
    return (int) ((long) channels * thread / team.size());
  }

  private long start(int n, int c) {
    return n * stride + (long) c * spatial;
  }

  private void addUp(int from, int to) {
    for (var c = from; c < to; c++) {
      centers[c] = shift(c);
    }
    for (var n = 0; n < batch; n++) {
      for (var c = from; c < to; c++) {
        for (var s = 0; s < spatial; s += CHUNK) {
          var length = Math.min(CHUNK, spatial - s);
          kernels.sums(x, start(n, c) + s, length, centers[c], partials, partial(c));
          if (endsChunk(n)) {
            endChunk(c);
          }
        }
      }
    }
  }

  private void addUpGradients(int from, int to) {
    for (var c = from; c < to; c++) {
      centers[c] = center(c);
    }
    for (var n = 0; n < batch; n++) {
      for (var c = from; c < to; c++) {
        for (var s = 0; s < spatial; s += CHUNK) {
          var length = Math.min(CHUNK, spatial - s);
          kernels.gradientSums(x, dy, start(n, c) + s, length, centers[c], partials, partial(c));
          if (endsChunk(n)) {
            endChunk(c);
          }
        }
      }
    }
  }

  /** Where the vectors with the two partial sums of a channel stand. */
  private long partial(int c) {
    return 2L * c * kernels.lanes();
  }

  /** Whether a chunk ends with this sample: it has as many as there is room for, at least one. */
  private boolean endsChunk(int n) {
    return (n + 1) % samplesOfChunk == 0 || n + 1 == batch;
  }

  private void endChunk(int c) {
    sums[2 * c] += takeLanes(partial(c));
    sums[2 * c + 1] += takeLanes(partial(c) + kernels.lanes());
  }

  /** The sum of the lanes of a partial sum, which is zero then. */
  private double takeLanes(long partial) {
    var sum = 0.0;
    for (var lane = 0; lane < kernels.lanes(); lane++) {
      sum += kernels.get(partials, partial + lane);
      kernels.set(partials, partial + lane, 0);
    }
    return sum;
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

  private void endForward(int from, int to) {
    for (var c = from; c < to; c++) {
      storeMoments(c, centers[c], sums[2 * c], sums[2 * c + 1]);
      centers[c] = center(c);
      scales[c] = scale(c);
      offsets[c] = offset(c);
      clearSums(c);
    }
  }

  private void endBackward(int from, int to) {
    for (var c = from; c < to; c++) {
      var sumDy = sums[2 * c];
      var sumDyD = sums[2 * c + 1];
      storeGradients(c, sumDy, sumDyD);
      slopes[c] = gradientSlope(c, sumDy, sumDyD);
      offsets[c] = gradientOffset(c, sumDy, slopes[c]);
      scales[c] = scale(c);
      clearSums(c);
    }
  }

  private void clearSums(int c) {
    sums[2 * c] = 0;
    sums[2 * c + 1] = 0;
  }

  private void normalize(int n, int from, int to) {
    for (var c = from; c < to; c++) {
      kernels.normalize(x, y, start(n, c), spatial, centers[c], scales[c], offsets[c]);
    }
  }

  private void gradient(int n, int from, int to) {
    for (var c = from; c < to; c++) {
      kernels.gradient(x, dy, dx, start(n, c), spatial, centers[c], slopes[c], offsets[c], scales[c]);
    }
  }

  @Override
  public void close() {
    super.close();
    arena.close();
  }
}
