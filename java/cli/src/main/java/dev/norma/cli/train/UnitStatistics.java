package dev.norma.cli.train;

import ai.djl.ndarray.NDArray;

/**
 * The distribution of each output of a layer over a batch.
 *
 * @param means one mean per output
 * @param deviations one standard deviation per output
 */
record UnitStatistics(double[] means, double[] deviations) {
  /** {@code y}: batch x outputs. */
  static UnitStatistics of(NDArray y) {
    int outputs = Math.toIntExact(y.getShape().get(1));
    float[] values = y.toFloatArray();
    int batch = values.length / outputs;
    var means = new double[outputs];
    var deviations = new double[outputs];
    for (int i = 0; i < values.length; i++) {
      means[i % outputs] += (double) values[i] / batch;
    }
    for (int i = 0; i < values.length; i++) {
      double distance = values[i] - means[i % outputs];
      deviations[i % outputs] += distance * distance / batch;
    }
    for (int unit = 0; unit < outputs; unit++) {
      deviations[unit] = Math.sqrt(deviations[unit]);
    }
    return new UnitStatistics(means, deviations);
  }
}
