package dev.norma.benchmarks.run;

import dev.norma.Tensor;
import dev.norma.benchmarks.Pass;

/**
 * Layer, RMS, group and instance normalization as their formulas stand, in double: normalizations whose sets lie within
 * an image. They are those of <a href="https://arxiv.org/abs/1803.08494">Wu and He, equations 1 to 6</a>, and without
 * mean and beta of <a href="https://arxiv.org/abs/1910.07467">Zhang and Sennrich, equation 4</a>.
 */
final class ImageFormulas {
  private final Inputs in;
  private final SetSums statistics;
  private final Roundings roundings;

  /** By set, means of g = gamma dy and of g xHat; of the backward pass. */
  private final double[] meanG;

  private final double[] meanGXHat;

  ImageFormulas(Pass pass, Inputs in, Roundings roundings) {
    this.in = in;
    this.roundings = roundings;
    statistics = roundings.sums();
    meanG = new double[in.sets().count()];
    meanGXHat = new double[in.sets().count()];
    if (pass == Pass.BACKWARD_TRAINING) {
      takeMeans();
    }
  }

  private void takeMeans() {
    var sums = in.sumsOfSets(2, (terms, i, c) -> {
      double g = g(i, c);
      terms[0] += in.operation().hasMean() ? g : 0;
      terms[1] += g * xHat(i, c);
    });
    for (int set = 0; set < meanG.length; set++) {
      meanG[set] = sums[set][0] / in.sets().values();
      meanGXHat[set] = sums[set][1] / in.sets().values();
    }
  }

  double g(long i, int c) {
    return in.gamma.get(c) * in.dy.get(i);
  }

  double xHat(long i, int c) {
    int set = in.sets().of(i, c);
    return (in.x.get(i) - statistics.mean[set]) * roundings.invStd(set);
  }

  /** The mean of g over a set, 0 where no mean is subtracted. */
  double meanG(int set) {
    return meanG[set];
  }

  /** The mean of g xHat over a set. */
  double meanGXHat(int set) {
    return meanGXHat[set];
  }

  private double y(long i, int c) {
    return in.gamma.get(c) * xHat(i, c) + (in.operation().hasMean() ? in.beta.get(c) : 0);
  }

  private double dx(long i, int c) {
    int set = in.sets().of(i, c);
    return roundings.invStd(set) * (g(i, c) - meanG[set] - xHat(i, c) * meanGXHat[set]);
  }

  /** An element of a tensor. */
  private interface Element {
    double of(long i, int c);
  }

  void putY(Tensor y) {
    put(y, this::y);
  }

  void putDx(Tensor dx) {
    put(dx, this::dx);
  }

  private static void put(Tensor tensor, Element element) {
    var rows = Rows.of(tensor);
    rows.parts().forEach(part -> {
      for (long row = part.from(); row < part.to(); row++) {
        for (int j = 0; j < rows.length(); j++) {
          long i = rows.index(row, j);
          tensor.set(i, element.of(i, rows.channel(row, j)));
        }
      }
    });
  }

  /** Sums over the images and positions. */
  void putParameters(Tensor dgamma, Tensor dbeta) {
    var sums = Rows.of(in.x).sums(2, (terms, i, c) -> {
      double dy = in.dy.get(i);
      terms[0] += dy * xHat(i, c);
      terms[1] += dy;
    });
    for (int c = 0; c < sums.length; c++) {
      dgamma.set(c, sums[c][0]);
      dbeta.set(c, sums[c][1]);
    }
  }
}
