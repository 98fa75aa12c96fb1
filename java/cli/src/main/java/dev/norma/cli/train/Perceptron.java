package dev.norma.cli.train;

import ai.djl.nn.Activation;
import ai.djl.nn.Parameter;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.core.Linear;
import dev.norma.cli.data.Dataset;
import dev.norma.cli.data.Split;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * The multilayer perceptron of ai-edu 15.6: four hidden layers of 128, 64, 32 and 16 outputs, each followed by ReLU,
 * and an output layer for ten classes. A normalization, if wanted, stands between a hidden layer and its ReLU, and not
 * before the softmax, which is part of the loss.
 */
final class Perceptron implements Architecture {
  static final int EPOCHS = 30;
  static final int BATCH_SIZE = 64;
  static final float LEARNING_RATE = 0.1f;
  static final double STOP_LOSS = 0.12;

  private static final int MEASUREMENTS_PER_EPOCH = 20;
  private static final int[] HIDDEN = {128, 64, 32, 16};

  @Override
  public Optional<String> refusal(Normalization normalization) {
    return normalization == Normalization.INSTANCE
        ? Optional.of(
            "a dense layer has one value per channel of an image, which has no deviation; take --network lenet")
        : Optional.empty();
  }

  @Override
  public Recipe recipe() {
    return new Recipe(EPOCHS, BATCH_SIZE, LEARNING_RATE, STOP_LOSS, MEASUREMENTS_PER_EPOCH);
  }

  @Override
  public Split fit(Split images) {
    return images;
  }

  @Override
  public String describe(Split images) {
    String hidden = IntStream.of(HIDDEN).mapToObj(Integer::toString).collect(Collectors.joining("-"));
    return "%d-%s-%d fully connected, ReLU, softmax; weights by MSRA"
        .formatted(images.features(), hidden, Dataset.CLASSES);
  }

  @Override
  public SequentialBlock build(long seed, Normalizer normalizer) {
    var network = new SequentialBlock();
    for (int outputs : HIDDEN) {
      network.add(dense(outputs));
      normalizer.addTo(network, Place.DENSE);
      network.add(Activation.reluBlock());
    }
    network.add(dense(Dataset.CLASSES));
    network.setInitializer(new MsraInitializer(new Random(seed)), Parameter.Type.WEIGHT);
    return network;
  }

  private static Linear dense(int outputs) {
    return Linear.builder().setUnits(outputs).build();
  }

  @Override
  public List<String> report(Comparison comparison, TrainingOptions options, int trainingImages) {
    return Stream.of(
            ResultTable.lines(comparison, options.recipe().stopLoss()),
            List.of(""),
            ResultNotes.lines(comparison, trainingImages))
        .flatMap(List::stream)
        .toList();
  }
}
