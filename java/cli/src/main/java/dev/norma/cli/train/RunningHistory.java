package dev.norma.cli.train;

import java.util.List;
import java.util.Map;

/**
 * What a network's normalized outputs were after every iteration in training mode.
 *
 * @param name of the network
 * @param variance the variance of its first output before normalization, in the last batch
 * @param training the outputs in training mode, for the last batch
 * @param test the outputs in test mode, for one other batch, after 0, 1, ... iterations
 */
record RunningHistory(
    String name, double variance, UnitStatistics training, Map<RunningCase, List<UnitStatistics>> test) {

  /** The deviation of the first output in test mode, over that in training mode, which is what it should be. */
  double deviationRatio(RunningCase way, int iterations) {
    return test.get(way).get(iterations).deviations()[0] / training.deviations()[0];
  }
}
