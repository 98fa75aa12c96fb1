package dev.norma.cli.train;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
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
import java.util.function.Function;
import java.util.function.Supplier;

/** Trains the perceptron without and with batch normalization, from the same weights and on the same batches. */
final class TwinTraining implements AutoCloseable {
  private static final int WARM_UP_IMAGES = 640;
  private static final int WARM_UP_EPOCHS = 3;

  private final Split data;
  private final TrainingOptions options;
  private final Supplier<Block> batchNorm;
  private final NDManager manager = NDManager.newBaseManager(Device.cpu());
  private final NDList trained = new NDList();
  private Optional<NetworkFile> start = Optional.empty();

  /** {@code batchNorm} makes a batch normalization layer. */
  TwinTraining(Split data, TrainingOptions options, Supplier<Block> batchNorm) {
    this.data = data;
    this.options = options;
    this.batchNorm = batchNorm;
  }

  /** Both networks start from the parameters in the file instead of from random weights. */
  void load(Path file) throws IOException {
    start = Optional.of(NetworkFile.read(file, manager));
  }

  /** Trains both; {@code progress} makes the display for a training, given its name. */
  Comparison run(Function<String, Progress> progress) {
    warmUp(Perceptron.plain(options.seed()));
    warmUp(normalized());
    return new Comparison(
        train("without", Perceptron.plain(options.seed()), progress), train("with", normalized(), progress));
  }

  private SequentialBlock normalized() {
    return Perceptron.normalized(options.seed(), batchNorm);
  }

  private Outcome train(String name, SequentialBlock network, Function<String, Progress> progress) {
    try (var model = Model.newInstance(name, Device.cpu());
        var trainer = trainer(model, network);
        var display = progress.apply(name)) {
      start.ifPresent(file -> file.restore(name, network));
      var outcome = new TrainingRun(trainer, data, options, display).run();
      trained.addAll(NetworkFile.copyOf(name, network, manager));
      return outcome;
    }
  }

  /** A few uncounted iterations of a network that is thrown away, so that neither time has the JVM's start in it. */
  private void warmUp(SequentialBlock network) {
    var few = new Split(head(data.train()), head(data.validation()), head(data.test()), data.source());
    var brief = new TrainingOptions(options.seed(), WARM_UP_EPOCHS, options.batchSize(), options.learningRate(), 0);
    try (var model = Model.newInstance("warm-up", Device.cpu()); var trainer = trainer(model, network)) {
      new TrainingRun(trainer, few, brief, Progress.NONE).run();
    }
  }

  private static Dataset head(Dataset images) {
    return images.select(Permutation.identity(images.size()), 0, Math.min(WARM_UP_IMAGES, images.size()));
  }

  private Trainer trainer(Model model, SequentialBlock network) {
    model.setBlock(network);
    var trainer = NormaTrainer.of(model, config());
    trainer.initialize(new Shape(options.batchSize(), data.features()));
    return trainer;
  }

  private TrainingConfig config() {
    var descent = Optimizer.sgd().setLearningRateTracker(Tracker.fixed(options.learningRate())).build();
    return new DefaultTrainingConfig(Loss.softmaxCrossEntropyLoss())
        .optDevices(new Device[] {Device.cpu()})
        .optOptimizer(descent);
  }

  /** Writes both trained networks. */
  void save(Path file) throws IOException {
    NetworkFile.write(file, trained);
  }

  @Override
  public void close() {
    manager.close();
  }
}
