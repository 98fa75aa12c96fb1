package dev.norma.cli.train;

import ai.djl.nn.Activation;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.core.Linear;
import dev.norma.cli.data.Dataset;
import java.util.Random;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * The multilayer perceptron of the text: four hidden layers of 128, 64, 32 and 16 outputs, each followed by ReLU, and
 * an output layer for ten classes. Batch normalization, if wanted, stands between a hidden layer and its ReLU, and not
 * before the softmax, which is part of the loss.
 */
final class Perceptron {
  private static final int[] HIDDEN = {128, 64, 32, 16};

  private Perceptron() {}

  static String describe(int features) {
    String hidden = IntStream.of(HIDDEN).mapToObj(Integer::toString).collect(Collectors.joining("-"));
    return "%d-%s-%d fully connected, ReLU, softmax; weights by MSRA".formatted(features, hidden, Dataset.CLASSES);
  }

  static SequentialBlock plain(long seed) {
    return build(seed, network -> {});
  }

  static SequentialBlock normalized(long seed, Supplier<Block> batchNorm) {
    return build(seed, network -> network.add(batchNorm.get()));
  }

  /** The weights come from the seed alone, layer by layer: both networks start from the same. */
  private static SequentialBlock build(long seed, Consumer<SequentialBlock> afterHidden) {
    var network = new SequentialBlock();
    for (int outputs : HIDDEN) {
      network.add(dense(outputs));
      afterHidden.accept(network);
      network.add(Activation.reluBlock());
    }
    network.add(dense(Dataset.CLASSES));
    network.setInitializer(new MsraInitializer(new Random(seed)), Parameter.Type.WEIGHT);
    return network;
  }

  private static Linear dense(int outputs) {
    return Linear.builder().setUnits(outputs).build();
  }
}
