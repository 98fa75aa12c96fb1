package dev.norma.benchmarks.run;

/**
 * Sums of the magnitudes that an implementation adds up for the gradients of a channel, in whatever form of the
 * formulas. g is what may pass of dy, and doubt is what may pass or not.
 */
final class GradientSums {
  /** Sums of |g|, |g| (|x| + |mean|), and |g| |x - mean|. */
  final double[] dy;

  final double[] dyX;
  final double[] dyDeviation;

  /** Sums of doubt, and doubt |x - mean|. */
  final double[] doubt;

  final double[] doubtDeviation;

  GradientSums(Inputs in, double[] mean, PassedGradient passed) {
    dy = new double[mean.length];
    dyX = new double[mean.length];
    dyDeviation = new double[mean.length];
    doubt = new double[mean.length];
    doubtDeviation = new double[mean.length];
    var sums = Rows.of(in.x).sums(5, (terms, i, c) -> {
      double x = in.x.get(i);
      double g = passed.most(i, c);
      double unsure = passed.doubt(i, c);
      terms[0] += g;
      terms[1] += g * (Math.abs(x) + Math.abs(mean[c]));
      terms[2] += g * Math.abs(x - mean[c]);
      terms[3] += unsure;
      terms[4] += unsure * Math.abs(x - mean[c]);
    });
    for (int c = 0; c < mean.length; c++) {
      dy[c] = sums[c][0];
      dyX[c] = sums[c][1];
      dyDeviation[c] = sums[c][2];
      doubt[c] = sums[c][3];
      doubtDeviation[c] = sums[c][4];
    }
  }
}
