package dev.norma.cli.train;

import java.util.stream.DoubleStream;

/**
 * A value over several runs.
 *
 * @param mean their mean
 * @param deviation their standard deviation, with n - 1 for n runs; 0 for a single one
 */
record Summary(double mean, double deviation) {
  static Summary of(double... values) {
    double mean = DoubleStream.of(values).average().orElse(Double.NaN);
    double squares = DoubleStream.of(values).map(value -> (value - mean) * (value - mean)).sum();
    return new Summary(mean, values.length > 1 ? Math.sqrt(squares / (values.length - 1)) : 0);
  }
}
