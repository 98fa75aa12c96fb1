package dev.norma.benchmarks;

import java.util.Map;
import java.util.TreeMap;

/** Layer, RMS, group and instance normalization of small arrays, written as plainly as can be. */
public record ImageOracle(Operation operation, String layout, int batch, int channels, int spatial, int groups) {
  private static final double EPSILON = 1e-5;

  /** By the names of what the passes compute, in the order of the layout. */
  public Map<String, double[]> expected(double[] x, double[] dy, double[] gamma, double[] beta) {
    var outputs = new TreeMap<String, double[]>();
    outputs.put("y", new double[x.length]);
    outputs.put("dx", new double[x.length]);
    outputs.put("dgamma", new double[channels]);
    if (operation.hasMean()) {
      outputs.put("dbeta", new double[channels]);
    }
    for (int n = 0; n < batch; n++) {
      for (int g = 0; g < groups; g++) {
        normalize(group(n, g), x, dy, gamma, beta, outputs);
      }
    }
    return outputs;
  }

  /** The indices of a group's values, and behind them their channels. */
  private int[][] group(int n, int g) {
    int width = channels / groups;
    var group = new int[2][width * spatial];
    for (int k = 0; k < width * spatial; k++) {
      int c = g * width + k / spatial;
      int s = k % spatial;
      group[0][k] = layout.equals("nhwc") ? (n * spatial + s) * channels + c : (n * channels + c) * spatial + s;
      group[1][k] = c;
    }
    return group;
  }

  private void normalize(
      int[][] group, double[] x, double[] dy, double[] gamma, double[] beta, Map<String, double[]> outputs) {
    int count = group[0].length;
    double mean = 0;
    for (int i : group[0]) {
      mean += operation.hasMean() ? x[i] / count : 0;
    }
    double variance = 0;
    for (int i : group[0]) {
      variance += (x[i] - mean) * (x[i] - mean) / count;
    }
    double invStd = 1 / Math.sqrt(variance + EPSILON);
    double meanG = 0;
    double meanGXHat = 0;
    for (int k = 0; k < count; k++) {
      int i = group[0][k];
      int c = group[1][k];
      double xHat = (x[i] - mean) * invStd;
      meanG += operation.hasMean() ? gamma[c] * dy[i] / count : 0;
      meanGXHat += gamma[c] * dy[i] * xHat / count;
      outputs.get("y")[i] = gamma[c] * xHat + (operation.hasMean() ? beta[c] : 0);
      outputs.get("dgamma")[c] += dy[i] * xHat;
      outputs.getOrDefault("dbeta", new double[channels])[c] += dy[i];
    }
    for (int k = 0; k < count; k++) {
      int i = group[0][k];
      double xHat = (x[i] - mean) * invStd;
      outputs.get("dx")[i] = invStd * (gamma[group[1][k]] * dy[i] - meanG - xHat * meanGXHat);
    }
  }
}
