package dev.norma.cli.train;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.SequentialBlock;
import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.Trainer;
import ai.djl.training.TrainingConfig;
import ai.djl.training.loss.Loss;
import ai.djl.training.optimizer.Optimizer;
import ai.djl.training.tracker.Tracker;
import dev.norma.cli.data.Dataset;
import dev.norma.cli.data.Permutation;
import dev.norma.cli.data.Split;
import dev.norma.djl.NormaTrainer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/** Trains networks of one architecture, one after the other, on the same images. */
final class Trainings implements AutoCloseable {
  private static final int WARM_UP_IMAGES = 640;
  private static final int WARM_UP_EPOCHS = 3;

  private final Architecture architecture;
  private final Split data;
  private final Layers layers;
  private final NDManager manager = NDManager.newBaseManager(Device.cpu());
  private final NDList trained = new NDList();
  private Optional<NetworkFile> start = Optional.empty();

  /** {@code data}: images that fit the architecture. */
  Trainings(Architecture architecture, Split data, Layers layers) {
    this.architecture = architecture;
    this.data = data;
    this.layers = layers;
  }

  /** The networks start from the parameters in the file instead of from random weights. */
  void load(Path file) throws IOException {
    start = Optional.of(NetworkFile.read(file, manager));
  }

  /** Trains from the weights, and on the batches, that the seed decides: the same for every normalization. */
  Outcome train(Normalization normalization, TrainingOptions options, Progress progress) {
    var network = architecture.build(options.seed(), layers.adding(normalization));
    try (var model = Model.newInstance(normalization.toString(), Device.cpu());
        var trainer = trainer(model, network, options.recipe())) {
      start.ifPresent(file -> file.restore(normalization.toString(), network));
      var outcome = new TrainingRun(trainer, data, options, progress).run();
      trained.addAll(NetworkFile.copyOf(normalization.toString(), network, manager));
      return outcome;
    }
  }

  /** A few uncounted iterations of a network that is thrown away, so that no time has the JVM's start in it. */
  void warmUp(Normalization normalization, TrainingOptions options) {
    var few = new Split(head(data.train()), head(data.validation()), head(data.test()), data.source());
    var recipe = options.recipe();
    var brief = new Recipe(
        WARM_UP_EPOCHS, recipe.batchSize(), recipe.learningRate(), 0, recipe.measurementsPerEpoch());
    var network = architecture.build(options.seed(), layers.adding(normalization));
    try (var model = Model.newInstance("warm-up", Device.cpu()); var trainer = trainer(model, network, brief)) {
      new TrainingRun(trainer, few, new TrainingOptions(options.seed(), brief), Progress.NONE).run();
    }
  }

  private static Dataset head(Dataset images) {
    return images.select(Permutation.identity(images.size()), 0, Math.min(WARM_UP_IMAGES, images.size()));
  }

  private Trainer trainer(Model model, SequentialBlock network, Recipe recipe) {
    model.setBlock(network);
    var trainer = NormaTrainer.of(model, config(recipe));
    trainer.initialize(new Shape(recipe.batchSize(), data.features()));
    return trainer;
  }

  private static TrainingConfig config(Recipe recipe) {
    var descent = Optimizer.sgd().setLearningRateTracker(Tracker.fixed(recipe.learningRate())).build();
    return new DefaultTrainingConfig(Loss.softmaxCrossEntropyLoss())
        .optDevices(new Device[] {Device.cpu()})
        .optOptimizer(descent);
  }

  /** Writes all networks that were trained. */
  void save(Path file) throws IOException {
    NetworkFile.write(file, trained);
  }

  @Override
  public void close() {
    manager.close();
  }
}
