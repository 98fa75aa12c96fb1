package dev.norma.cli.train;

import dev.norma.cli.UserException;
import dev.norma.cli.data.Split;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Trains a network with each normalization, from the same weights and on the same batches, and compares.
 *
 * @param architecture the network
 * @param images that fit it
 * @param normalizations what is compared
 * @param layers who normalizes
 * @param options how to train, with the first seed
 * @param runs how many seeds, at least 1
 * @param load where to take the parameters from, in place of random ones
 * @param save where to write the trained parameters
 */
record NormalizationComparison(
    Architecture architecture,
    Split images,
    List<Normalization> normalizations,
    Layers layers,
    TrainingOptions options,
    int runs,
    Optional<Path> load,
    Optional<Path> save) {

  void run(Output output) throws IOException {
    var comparison = train(output);
    output.lines(architecture.report(comparison, options, images.train().size()));
    if (layers.checked()) {
      output.agreed();
    }
    save.ifPresent(file -> output.line("Wrote " + file));
    if (comparison.hasTrained()) {
      output.write("curves.csv", file -> CurveFile.write(file, comparison, options.seed()));
      output.write("curves.png", file -> CurvePlot.write(file, comparison, options.recipe().stopLoss()));
    }
    if (comparison.diverged()) {
      throw new UserException("training diverged: its loss is no longer finite; try a lower --learning-rate");
    }
  }

  private Comparison train(Output output) throws IOException {
    try (var trainings = new Trainings(architecture, images, layers)) {
      if (load.isPresent()) {
        trainings.load(load.get());
      }
      normalizations.forEach(normalization -> trainings.warmUp(normalization, options));
      var trained = new ArrayList<Trained>();
      for (var normalization : normalizations) {
        trained.add(train(trainings, normalization, output));
      }
      if (save.isPresent()) {
        trainings.save(save.get());
      }
      return new Comparison(trained);
    }
  }

  private Trained train(Trainings trainings, Normalization normalization, Output output) {
    var recipe = options.recipe();
    long perEpoch = TrainingRun.iterationsPerEpoch(images.train().size(), recipe.batchSize());
    var outcomes = new ArrayList<Outcome>();
    for (int run = 0; run < runs; run++) {
      String name = normalization.title() + (runs > 1 ? ", run " + (run + 1) : "");
      try (var progress = output.progress(name, recipe.epochs(), perEpoch)) {
        outcomes.add(trainings.train(normalization, options.run(run), progress));
      }
    }
    return new Trained(normalization, outcomes);
  }
}
