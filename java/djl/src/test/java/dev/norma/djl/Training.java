package dev.norma.djl;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.EasyTrain;
import ai.djl.training.Trainer;
import ai.djl.training.TrainingConfig;
import ai.djl.training.dataset.ArrayDataset;
import ai.djl.training.initializer.Initializer;
import ai.djl.training.loss.Loss;
import ai.djl.training.optimizer.Optimizer;
import ai.djl.training.tracker.Tracker;
import ai.djl.translate.TranslateException;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import java.util.function.BiFunction;
import java.util.function.DoubleUnaryOperator;
import java.util.function.Function;
import java.util.stream.IntStream;

/** Some epochs of training on random data, by the unmodified loop of Deep Java Library. */
final class Training {
  static final int BATCH = 16;
  static final int BATCHES = 4;
  static final int EPOCHS = 3;
  static final int STEPS = BATCHES * EPOCHS;

  private Training() {}

  /** The configuration: gradient descent with momentum, weights from a seed, each changed by the operator. */
  static TrainingConfig config(DoubleUnaryOperator change) {
    var optimizer =
        Optimizer.sgd().setLearningRateTracker(Tracker.fixed(0.05f)).optMomentum(0.9f).build();
    return new DefaultTrainingConfig(Loss.softmaxCrossEntropyLoss())
        .optDevices(new Device[] {Device.cpu()})
        .optOptimizer(optimizer)
        .optInitializer(weights(change), Parameter.Type.WEIGHT);
  }

  private static Initializer weights(DoubleUnaryOperator change) {
    var random = new Random(7);
    return (manager, shape, type) -> {
      double scale = Math.sqrt(2 / (double) shape.slice(1).size());
      double[] values =
          IntStream.range(0, Math.toIntExact(shape.size()))
              .mapToDouble(i -> (float) (scale * random.nextGaussian()))
              .map(change)
              .toArray();
      return Sample.array(manager, values, shape, type);
    };
  }

  /** Whose layers are trained, and the trainer that they need. */
  record Layers(Function<Nets, Block> block, BiFunction<Model, TrainingConfig, Trainer> trainer) {}

  static final Layers NORMA = new Layers(Nets::norma, NormaTrainer::of);
  static final Layers ENGINE = new Layers(Nets::engine, Model::newTrainer);

  /** Trains a network and gives all its parameters, running statistics included, under their position and name. */
  static Map<String, double[]> run(Nets net, Layers layers, DoubleUnaryOperator change) {
    Shape input = net.input(BATCH);
    try (Model model = Model.newInstance("net", Device.cpu(), "PyTorch");
        NDManager manager = NDManager.newBaseManager("PyTorch")) {
      model.setBlock(layers.block().apply(net));
      try (Trainer trainer = layers.trainer().apply(model, config(change))) {
        trainer.initialize(input);
        ArrayDataset data = data(manager, input);
        EasyTrain.fit(trainer, EPOCHS, data, data);
      }
      return parameters(model.getBlock());
    } catch (IOException | TranslateException e) {
      throw new AssertionError(e);
    }
  }

  /** Random images and labels. */
  static ArrayDataset data(NDManager manager, Shape input) {
    var random = new Random(11);
    Shape shape = new Shape(BATCH * BATCHES).addAll(input.slice(1));
    double[] values = random.doubles(shape.size()).toArray();
    int[] labels = random.ints(BATCH * BATCHES, 0, Nets.CLASSES).toArray();
    return new ArrayDataset.Builder()
        .setData(Sample.array(manager, values, shape, DataType.FLOAT32))
        .optLabels(manager.create(labels))
        .setSampling(BATCH, false)
        .build();
  }

  private static Map<String, double[]> parameters(Block block) {
    var values = new LinkedHashMap<String, double[]>();
    for (Parameter parameter : block.getParameters().values()) {
      values.put(values.size() + " " + parameter.getName(), LayerResult.values(parameter.getArray()));
    }
    return values;
  }
}
