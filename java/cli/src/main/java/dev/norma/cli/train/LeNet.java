package dev.norma.cli.train;

import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.Blocks;
import ai.djl.nn.LambdaBlock;
import ai.djl.nn.Parameter;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.convolutional.Conv2d;
import ai.djl.nn.core.Linear;
import ai.djl.nn.pooling.Pool;
import dev.norma.cli.data.Canvas;
import dev.norma.cli.data.Dataset;
import dev.norma.cli.data.Split;
import java.util.List;
import java.util.Optional;
import java.util.Random;

/**
 * LeNet as the notes on Dive into Deep Learning have it: two convolutions of 5x5 with 6 and 16 channels, each followed
 * by a sigmoid and the maxima of 2x2 pixels, and dense layers of 120, 84 and 10 outputs with sigmoids between them. A
 * normalization, if wanted, stands before each sigmoid, with parameters for the channels of a convolution and the
 * features of a dense layer, or for all features of both.
 */
final class LeNet implements Architecture {
  static final int EPOCHS = 120;
  static final int BATCH_SIZE = 32;
  static final float LEARNING_RATE = 0.3f;

  /** That of MNIST and Fashion-MNIST, for which the dense layers get 16 channels of 4x4. */
  private static final int SIDE = 28;

  @Override
  public Optional<String> refusal(Normalization normalization) {
    return Optional.empty();
  }

  @Override
  public Recipe recipe() {
    return new Recipe(EPOCHS, BATCH_SIZE, LEARNING_RATE, 0, 1);
  }

  @Override
  public Split fit(Split images) {
    return Canvas.fit(images, SIDE);
  }

  @Override
  public String describe(Split images) {
    return "LeNet: convolutions 5x5 of 6 and 16 channels, dense 120-84-%d, sigmoid; weights by Xavier"
        .formatted(Dataset.CLASSES);
  }

  @Override
  public SequentialBlock build(long seed, Normalizer normalizer) {
    var network = new SequentialBlock();
    network.add(new LambdaBlock(
        rows -> new NDList(rows.singletonOrThrow().reshape(new Shape(-1, 1, SIDE, SIDE))), "images"));
    for (int channels : new int[] {6, 16}) {
      network.add(Conv2d.builder().setKernelShape(new Shape(5, 5)).setFilters(channels).build());
      normalizer.addTo(network, Place.CONVOLUTION);
      network.add(Activation.sigmoidBlock());
      network.add(Pool.maxPool2dBlock(new Shape(2, 2), new Shape(2, 2)));
    }
    network.add(Blocks.batchFlattenBlock());
    for (int outputs : new int[] {120, 84}) {
      network.add(dense(outputs));
      normalizer.addTo(network, Place.DENSE);
      network.add(Activation.sigmoidBlock());
    }
    network.add(dense(Dataset.CLASSES));
    network.setInitializer(new XavierInitializer(new Random(seed)), Parameter.Type.WEIGHT);
    return network;
  }

  private static Linear dense(int outputs) {
    return Linear.builder().setUnits(outputs).build();
  }

  @Override
  public List<String> report(Comparison comparison, TrainingOptions options, int trainingImages) {
    return LeNetReport.lines(comparison);
  }
}
