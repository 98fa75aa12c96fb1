package dev.norma.cli.train;

import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.GradientCollector;
import ai.djl.training.Trainer;
import dev.norma.cli.data.Dataset;
import dev.norma.cli.data.Permutation;
import dev.norma.cli.data.Split;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * Trains one network as the texts do: batches in an order that is shuffled for every epoch, some measurements per
 * epoch, and an end as soon as the validation loss is small enough.
 */
final class TrainingRun {
  private final Trainer trainer;
  private final Split data;
  private final Recipe recipe;
  private final long seed;
  private final Progress progress;
  private final int iterationsPerEpoch;
  private final int measureEvery;
  private final List<Checkpoint> checkpoints = new ArrayList<>();
  private long iterations;
  private long imagesLearnt;
  private long learningNanos;

  TrainingRun(Trainer trainer, Split data, TrainingOptions options, Progress progress) {
    this.trainer = trainer;
    this.data = data;
    recipe = options.recipe();
    seed = options.seed();
    this.progress = progress;
    iterationsPerEpoch = iterationsPerEpoch(data.train().size(), recipe.batchSize());
    measureEvery = Math.max(1, iterationsPerEpoch / recipe.measurementsPerEpoch());
  }

  /** A last batch of a single image is left out: one value has no variance. The next epoch's order is another. */
  static int iterationsPerEpoch(int images, int batchSize) {
    return images / batchSize + (images % batchSize > 1 ? 1 : 0);
  }

  Outcome run() {
    long start = System.nanoTime();
    var stop = Outcome.Stop.EPOCHS_DONE;
    // The batches' own source of random numbers: the order is the same whatever the network draws.
    var random = new Random(~seed);
    int[] order = Permutation.identity(data.train().size());
    for (int epoch = 0; epoch < recipe.epochs() && stop == Outcome.Stop.EPOCHS_DONE; epoch++) {
      Permutation.shuffle(order, random);
      stop = runEpoch(order);
    }
    double seconds = (System.nanoTime() - start) / 1e9;
    return new Outcome(
        stop,
        iterations,
        iterationsPerEpoch,
        seconds,
        imagesLearnt == 0 ? Double.NaN : imagesLearnt / (learningNanos / 1e9),
        List.copyOf(checkpoints),
        Scorer.score(trainer, data.train()),
        Scorer.score(trainer, data.test()),
        Affine.firstOf(trainer.getModel().getBlock()));
  }

  private Outcome.Stop runEpoch(int[] order) {
    for (int i = 0; i < iterationsPerEpoch; i++) {
      int from = i * recipe.batchSize();
      var batch = data.train().select(order, from, Math.min(from + recipe.batchSize(), order.length));
      learn(batch);
      iterations++;
      if (iterations % measureEvery == 0) {
        double loss = measure(batch).validation().loss();
        if (loss <= recipe.stopLoss()) {
          return Outcome.Stop.LOSS_REACHED;
        }
        if (!Double.isFinite(loss)) {
          return Outcome.Stop.DIVERGED;
        }
      }
    }
    return Outcome.Stop.EPOCHS_DONE;
  }

  private void learn(Dataset batch) {
    long start = System.nanoTime();
    try (NDManager scope = trainer.getManager().newSubManager()) {
      var input = new NDList(scope.create(batch.pixels(), new Shape(batch.size(), batch.features())));
      var labels = new NDList(scope.create(batch.labels()));
      try (GradientCollector collector = trainer.newGradientCollector()) {
        collector.backward(trainer.getLoss().evaluate(labels, trainer.forward(input)));
      }
      trainer.step();
    }
    learningNanos += System.nanoTime() - start;
    imagesLearnt += batch.size();
  }

  private Checkpoint measure(Dataset batch) {
    var checkpoint =
        new Checkpoint(iterations, Scorer.score(trainer, batch), Scorer.score(trainer, data.validation()));
    checkpoints.add(checkpoint);
    progress.at(checkpoint, (double) iterations / iterationsPerEpoch);
    return checkpoint;
  }
}
