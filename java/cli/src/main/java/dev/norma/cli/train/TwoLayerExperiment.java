package dev.norma.cli.train;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import dev.norma.djl.NormaGradientCollector;
import java.io.IOException;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * Normalizes the outputs of a two-layer network, 50 times in training mode and then in test mode, and shows what
 * becomes of them if the running statistics are kept in a wrong way.
 *
 * @param seed decides all random numbers
 * @param checked whether every call of the kernels is compared with the reference
 */
record TwoLayerExperiment(long seed, boolean checked) {
  static final int ITERATIONS = 50;

  /** Until nothing is left of the first running variance. */
  static final int MORE_ITERATIONS = 200;

  static final float[] GAMMA = {1, 2, 3};
  static final float[] BETA = {11, 12, 13};

  /** Brings the variances, which are in the thousands, near epsilon. */
  private static final double QUIET = 1e-4;

  void run(Output output) throws IOException {
    var histories = List.of(history("weights as in the text", 1), history("second weights times 1e-4", QUIET));
    for (var history : histories) {
      output.lines(TwoLayerReport.lines(history));
    }
    output.lines(TwoLayerReport.explanation());
    if (checked) {
      output.agreed();
    }
    output.write("two-layer.csv", file -> TwoLayerFile.write(file, histories));
    output.write("two-layer.png", file -> TwoLayerPlot.write(file, histories));
  }

  private RunningHistory history(String name, double scale) {
    try (var manager = NDManager.newBaseManager(Device.cpu())) {
      var network = new TwoLayerNetwork(seed, scale, manager);
      var layers = new EnumMap<RunningCase, RunningLayer>(RunningCase.class);
      var test = new EnumMap<RunningCase, List<UnitStatistics>>(RunningCase.class);
      for (var way : RunningCase.values()) {
        layers.put(way, new RunningLayer(way, GAMMA, BETA, checked, manager));
        test.put(way, new ArrayList<>());
      }
      var testBatch = network.next();
      infer(layers, testBatch, test);
      for (int iteration = 1; iteration < MORE_ITERATIONS; iteration++) {
        train(layers, network.next());
        infer(layers, testBatch, test);
      }
      var lastBatch = network.next();
      var training = train(layers, lastBatch);
      infer(layers, testBatch, test);
      double deviation = UnitStatistics.of(lastBatch).deviations()[0];
      return new RunningHistory(name, deviation * deviation, training, test);
    }
  }

  /** In training mode all layers give the same. */
  private static UnitStatistics train(Map<RunningCase, RunningLayer> layers, NDArray batch) {
    try (var _ = NormaGradientCollector.open()) {
      layers.forEach((way, layer) -> {
        if (way != RunningCase.RIGHT) {
          layer.train(batch);
        }
      });
      return UnitStatistics.of(layers.get(RunningCase.RIGHT).train(batch));
    }
  }

  private static void infer(
      Map<RunningCase, RunningLayer> layers, NDArray batch, Map<RunningCase, List<UnitStatistics>> test) {
    layers.forEach((way, layer) -> test.get(way).add(UnitStatistics.of(layer.infer(batch))));
  }
}
