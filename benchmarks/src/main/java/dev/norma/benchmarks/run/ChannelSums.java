package dev.norma.benchmarks.run;

import dev.norma.DataType;
import dev.norma.Kernels;
import dev.norma.Layout;
import dev.norma.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * What the errors of a channel are measured by: its statistics, and sums of the magnitudes that an implementation adds
 * up in whatever form of the formulas.
 */
final class ChannelSums {
  final double[] mean;
  final double[] variance;

  /** Sums of |x|, x^2, |dy|, |dy| (|x| + |mean|), and |dy| |x - mean|. */
  final double[] x;

  final double[] squareX;
  final double[] dy;
  final double[] dyX;
  final double[] dyDeviation;

  ChannelSums(Inputs in) {
    int channels = Math.toIntExact(in.x.channels());
    mean = new double[channels];
    variance = new double[channels];
    x = new double[channels];
    squareX = new double[channels];
    dy = new double[channels];
    dyX = new double[channels];
    dyDeviation = new double[channels];
    takeStatistics(in);
    var rows = Rows.of(in.x);
    rows.parts().forEach(part -> {
      var sums = new double[channels][5];
      for (long row = part.from(); row < part.to(); row++) {
        for (int j = 0; j < rows.length(); j++) {
          int c = rows.channel(row, j);
          addTo(sums[c], in.x.get(rows.index(row, j)), in.dy.get(rows.index(row, j)), mean[c]);
        }
      }
      merge(sums);
    });
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

  private static void addTo(double[] sums, double x, double dy, double mean) {
    sums[0] += Math.abs(x);
    sums[1] += x * x;
    sums[2] += Math.abs(dy);
    sums[3] += Math.abs(dy) * (Math.abs(x) + Math.abs(mean));
    sums[4] += Math.abs(dy * (x - mean));
  }

  private synchronized void merge(double[][] sums) {
    for (int c = 0; c < sums.length; c++) {
      x[c] += sums[c][0];
      squareX[c] += sums[c][1];
      dy[c] += sums[c][2];
      dyX[c] += sums[c][3];
      dyDeviation[c] += sums[c][4];
    }
  }
}
