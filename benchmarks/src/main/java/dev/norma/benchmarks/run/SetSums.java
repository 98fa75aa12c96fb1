package dev.norma.benchmarks.run;

import dev.norma.DataType;
import dev.norma.Kernels;
import dev.norma.Layout;
import dev.norma.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * What the errors of a set of values are measured by: its statistics, and sums of the magnitudes that an implementation
 * adds up for them in whatever form of the formulas.
 */
final class SetSums {
  /** 0 where the operation takes none. */
  final double[] mean;

  /** The mean of the squares of what differs from the mean. */
  final double[] variance;

  /** Sums of |x| and x^2; the first is 0 where no mean is taken. */
  final double[] x;

  final double[] squareX;

  SetSums(Inputs in) {
    int sets = in.sets().count();
    mean = new double[sets];
    variance = new double[sets];
    x = new double[sets];
    squareX = new double[sets];
    boolean hasMean = in.operation().hasMean();
    var sums = in.sumsOfSets(3, (terms, i, c) -> {
      double value = in.x.get(i);
      terms[0] += hasMean ? Math.abs(value) : 0;
      terms[1] += value * value;
      terms[2] += hasMean ? value : 0;
    });
    for (int set = 0; set < sets; set++) {
      x[set] = sums[set][0];
      squareX[set] = sums[set][1];
      mean[set] = sums[set][2] / in.sets().values();
    }
    if (in.sets().ofChannels()) {
      takeReference(in);
    } else {
      takeVariances(in);
    }
  }

  private void takeReference(Inputs in) {
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

  /** In a second pass over the values. The mean is off by its rounding, which the sum of what differs from it shows. */
  private void takeVariances(Inputs in) {
    var sums = in.sumsOfSets(2, (terms, i, c) -> {
      double deviation = in.x.get(i) - mean[in.sets().of(i, c)];
      terms[0] += deviation;
      terms[1] += deviation * deviation;
    });
    for (int set = 0; set < mean.length; set++) {
      double rest = in.operation().hasMean() ? sums[set][0] / in.sets().values() : 0;
      mean[set] += rest;
      variance[set] = sums[set][1] / in.sets().values() - rest * rest;
    }
  }
}
