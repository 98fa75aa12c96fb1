package dev.norma.benchmarks.run;

import dev.norma.DataType;
import dev.norma.Kernels;
import dev.norma.Layout;
import dev.norma.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * What the errors of a channel are measured by: its statistics, and sums of the magnitudes that an implementation adds
 * up for them in whatever form of the formulas.
 */
final class ChannelSums {
  final double[] mean;
  final double[] variance;

  /** Sums of |x| and x^2. */
  final double[] x;

  final double[] squareX;

  ChannelSums(Inputs in) {
    int channels = Math.toIntExact(in.x.channels());
    mean = new double[channels];
    variance = new double[channels];
    x = new double[channels];
    squareX = new double[channels];
    takeStatistics(in);
    var sums = Rows.of(in.x).sums(2, (terms, i, c) -> {
      double value = in.x.get(i);
      terms[0] += Math.abs(value);
      terms[1] += value * value;
    });
    for (int c = 0; c < channels; c++) {
      x[c] = sums[c][0];
      squareX[c] = sums[c][1];
    }
  }

  private void takeStatistics(Inputs in) {
    try (var arena = Arena.ofConfined()) {
      var means = Tensor.allocate(arena, DataType.FLOAT64, Layout.CHANNELS_FIRST, 1, mean.length);
      var variances = Tensor.allocate(arena, DataType.FLOAT64, Layout.CHANNELS_FIRST, 1, mean.length);
      Kernels.reference()
          .localStatistics(in.norm(), in.x.segment(), means.segment(), variances.segment(), MemorySegment.NULL);
      for (int c = 0; c < mean.length; c++) {
        mean[c] = means.get(c);
        variance[c] = variances.get(c);
      }
    }
  }
}
