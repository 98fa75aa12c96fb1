package dev.norma.cli.train;

import dev.norma.cli.data.Split;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Trains a network with each normalization and each batch size from 2 to 256. All see the same images as often, and the
 * learning rate is proportional to the batch size, as in figure 1 of Wu and He, "Group Normalization"
 * (arXiv:1803.08494): then small batches make more, but smaller, steps.
 *
 * @param architecture the network
 * @param images that fit it
 * @param normalizations what is compared
 * @param layers who normalizes
 * @param options how to train, with the first seed; its learning rate belongs to its batch size
 * @param runs how many seeds, at least 1
 */
record BatchSizeSweep(
    Architecture architecture,
    Split images,
    List<Normalization> normalizations,
    Layers layers,
    TrainingOptions options,
    int runs) {
  static final int SMALLEST = 2;
  static final int LARGEST = 256;
  static final int EPOCHS = 20;

  void run(Output output) throws IOException {
    var points = new ArrayList<SweepPoint>();
    try (var trainings = new Trainings(architecture, images, layers)) {
      for (int batchSize : batchSizes()) {
        points.add(train(trainings, batchSize, output));
      }
    }
    output.lines(SweepReport.lines(points));
    if (layers.checked()) {
      output.agreed();
    }
    output.write("sweep.csv", file -> SweepFile.write(file, points, options.seed()));
    output.write("sweep.png", file -> SweepPlot.write(file, points));
  }

  /** Powers of two; those that exceed the training images are left out. */
  private int[] batchSizes() {
    int largest = Math.min(LARGEST, images.train().size());
    return IntStream.iterate(SMALLEST, size -> size <= largest, size -> 2 * size).toArray();
  }

  private SweepPoint train(Trainings trainings, int batchSize, Output output) {
    var usual = options.recipe();
    float learningRate = usual.learningRate() * batchSize / usual.batchSize();
    var recipe = new Recipe(usual.epochs(), batchSize, learningRate, 0, 1);
    var trained = new ArrayList<Trained>();
    for (var normalization : normalizations) {
      var outcomes = new ArrayList<Outcome>();
      for (int run = 0; run < runs; run++) {
        var one = new TrainingOptions(options.seed(), recipe).run(run);
        outcomes.add(trainings.train(normalization, one, Progress.NONE));
      }
      trained.add(new Trained(normalization, outcomes));
      output.progress("batch size %d, %s".formatted(batchSize, normalization.title()), trained.getLast());
    }
    return new SweepPoint(recipe, new Comparison(trained));
  }
}
