package dev.norma.cli.train;

import dev.norma.cli.InstructionSet;
import dev.norma.cli.Main;
import dev.norma.cli.data.Digits;
import dev.norma.cli.data.ImageFolder;
import dev.norma.cli.data.Split;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code norma train}. */
@Command(
    name = "train",
    description = {
      "Train a network on images of digits, without and with normalization, and compare.",
      "",
      "The networks, their parameters and what is measured are those of texts on batch normalization. All trainings "
          + "start from the same weights and see the same batches. Prints a table beside the results in the text and "
          + "draws the learning curves.",
      "",
      "mlp: the multilayer perceptron of Microsoft's ai-edu, chapter 15.6, and its stopping condition.",
      "lenet: the convolutional network of notes on Dive into Deep Learning, with sigmoids. It takes 28x28 pixels: "
          + "smaller images are enlarged by a whole factor and framed with paper, the built-in digits of 8x8 three "
          + "times with a frame of 2.",
      "two-layer: max(0, X W1) W2 of random numbers, normalized in training mode 50 times and then in test mode, with "
          + "running statistics kept in the right way and in wrong ones. Nothing is learnt.",
      ""
    },
    sortOptions = false)
public final class TrainCommand implements Callable<Integer> {
  static final Path DEFAULT_OUT = Path.of(".norma-out");

  /** What a network that learns from images needs to know. */
  private static final List<String> TRAINING_ONLY = List.of(
      "--sweep", "--normalization", "--runs", "--data", "--layer", "--epochs", "--batch-size", "--learning-rate",
      "--stop-loss", "--save", "--load");

  private static final List<String> SWEEP_DECIDES = List.of("--batch-size", "--stop-loss", "--save", "--load");

  @Option(names = "--network", paramLabel = "NAME", defaultValue = "mlp",
      converter = NameConverter.Networks.class,
      description = "What to train: ${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}.")
  private Network network = Network.MLP;

  @Option(names = "--jacobian",
      description = "In place of a training, print the Jacobian of one neuron with batch normalization.")
  private boolean jacobian;

  @Option(names = "--normalization", paramLabel = "NAME", split = ",", defaultValue = "none,batch",
      converter = NameConverter.Normalizations.class,
      description = "What to compare, separated by commas: ${COMPLETION-CANDIDATES}. layer: all features of an image "
          + "together. instance: the pixels of each channel of lenet's convolutions; behind its dense layers, which "
          + "have one value per channel, layer. group: 2 groups of the channels or features, the most that divide "
          + "those of all layers. Default: ${DEFAULT-VALUE}.")
  private List<Normalization> normalizations;

  @Option(names = "--runs", paramLabel = "N", defaultValue = "1",
      description = "Train with so many seeds, --seed and those that follow it, and show the mean and the standard "
          + "deviation. Default: ${DEFAULT-VALUE}.")
  private int runs;

  @Option(names = "--sweep", paramLabel = "WHAT", converter = NameConverter.Sweeps.class,
      description = "Train with batch sizes from 2 to 256, for " + BatchSizeSweep.EPOCHS + " epochs if --epochs does "
          + "not say otherwise, and show the test accuracy of each: ${COMPLETION-CANDIDATES}. The learning rate is "
          + "proportional to the batch size. With the built-in digits it takes a few minutes.")
  private Optional<Sweep> sweep = Optional.empty();

  @Option(names = "--data", paramLabel = "DIR",
      description = "Folder with MNIST or Fashion-MNIST files in IDX format, plain or .gz. "
          + "Default: the UCI handwritten digits that come with Norma.")
  private Optional<Path> data = Optional.empty();

  @Option(names = "--layer", paramLabel = "WHOSE", defaultValue = "norma",
      description = "Whose normalization runs: ${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}.")
  private NormLayer layer = NormLayer.NORMA;

  @Option(names = "--seed", paramLabel = "N", defaultValue = "1",
      description = "Decides the initial weights and the order of the images. Default: ${DEFAULT-VALUE}.")
  private long seed;

  @Option(names = "--epochs", paramLabel = "N",
      description = "The most passes over the training images; 0 only tests. Default: "
          + Perceptron.EPOCHS + " for mlp, " + LeNet.EPOCHS + " for lenet.")
  private Optional<Integer> epochs = Optional.empty();

  @Option(names = "--batch-size", paramLabel = "N",
      description = "Images per iteration, at least 2. Default: "
          + Perceptron.BATCH_SIZE + " for mlp, " + LeNet.BATCH_SIZE + " for lenet.")
  private Optional<Integer> batchSize = Optional.empty();

  @Option(names = "--learning-rate", paramLabel = "X",
      description = "The learning rate of gradient descent. Default: "
          + Perceptron.LEARNING_RATE + " for mlp, " + LeNet.LEARNING_RATE + " for lenet.")
  private Optional<Float> learningRate = Optional.empty();

  @Option(names = "--stop-loss", paramLabel = "X",
      description = "Training ends when the validation loss is this or less. Default: "
          + Perceptron.STOP_LOSS + " for mlp; 0 for lenet, which trains for all epochs.")
  private Optional<Double> stopLoss = Optional.empty();

  @Option(names = "--check",
      description = "Compare every call of Norma's kernels with the reference; stop at a mismatch.")
  private boolean check;

  @Option(names = "--out", paramLabel = "DIR",
      description = "Folder for the plot and its numbers, such as curves.png and curves.csv. Default: .norma-out")
  private Optional<Path> out = Optional.empty();

  @Option(names = "--save", paramLabel = "FILE", description = "Write the trained networks to a safetensors file.")
  private Optional<Path> save = Optional.empty();

  @Option(names = "--load", paramLabel = "FILE", description = "Go on with the networks that --save wrote.")
  private Optional<Path> load = Optional.empty();

  @Spec
  private CommandSpec spec;

  @Override
  public Integer call() throws IOException {
    requireSensible();
    if (layer == NormLayer.NORMA) {
      InstructionSet.require();
    }
    if (jacobian) {
      new JacobianExperiment(seed, check).run(output());
      return Main.SUCCESS;
    }
    Engines.prepare();
    if (network.architecture().isPresent()) {
      trainOnImages(network.architecture().get());
    } else {
      new TwoLayerExperiment(seed, check).run(output());
    }
    return Main.SUCCESS;
  }

  private void trainOnImages(Architecture architecture) throws IOException {
    var original = data.isPresent() ? ImageFolder.read(data.get()) : Digits.load();
    var images = architecture.fit(original);
    batchSize.ifPresent(n -> requireFits(n, original));
    var options = new TrainingOptions(seed, recipe(architecture.recipe()));
    var layers = new Layers(layer, check);
    var output = output();
    output.lines(description(original, architecture.describe(images), options.recipe()));
    if (sweep.isPresent()) {
      new BatchSizeSweep(architecture, images, normalizations, layers, options, runs).run(output);
    } else {
      new NormalizationComparison(architecture, images, normalizations, layers, options, runs, load, save).run(output);
    }
  }

  private Recipe recipe(Recipe usual) {
    return new Recipe(
        epochs.orElse(sweep.isPresent() ? BatchSizeSweep.EPOCHS : usual.epochs()),
        batchSize.orElse(usual.batchSize()),
        learningRate.orElse(usual.learningRate()),
        stopLoss.orElse(usual.stopLoss()),
        usual.measurementsPerEpoch());
  }

  private void requireSensible() {
    requireApplicable();
    epochs.ifPresent(n -> require(n >= 0, "--epochs must be at least 0, not " + n));
    batchSize.ifPresent(n ->
        require(n >= 2, "--batch-size must be at least 2, not " + n + ": one value has no variance"));
    learningRate.ifPresent(rate ->
        require(rate > 0 && Float.isFinite(rate), "--learning-rate must be above 0 and finite, not " + rate));
    stopLoss.ifPresent(loss -> require(loss >= 0, "--stop-loss must be at least 0, not " + loss));
    require(runs >= 1, "--runs must be at least 1, not " + runs);
    require(runs == 1 || save.isEmpty(), "--save writes the networks of one run: leave out --runs");
    require(runs == 1 || load.isEmpty(), "--load starts every run from the same weights: leave out --runs");
    requireDifferent();
    normalizations.forEach(this::requirePossible);
    require(!check || layer == NormLayer.NORMA, "--check needs --layer norma: only Norma's calls can be compared");
    save.ifPresent(file -> require(Files.isDirectory(file.toAbsolutePath().getParent()),
        "--save " + file + ": its folder does not exist"));
  }

  /** Options that would change nothing are mistakes. */
  private void requireApplicable() {
    if (jacobian) {
      requireNone("--jacobian", List.of("--network"));
      requireNone("--jacobian", TRAINING_ONLY);
    } else if (network.architecture().isEmpty()) {
      requireNone("--network " + network, TRAINING_ONLY);
    } else if (sweep.isPresent()) {
      requireNone("--sweep " + sweep.get(), SWEEP_DECIDES);
    }
  }

  private void requireNone(String what, List<String> options) {
    for (String option : options) {
      require(!spec.commandLine().getParseResult().hasMatchedOption(option),
          option + " does not go with " + what + ": leave it out");
    }
  }

  private void requireDifferent() {
    var seen = new HashSet<Normalization>();
    for (var normalization : normalizations) {
      require(seen.add(normalization), "--normalization has " + normalization + " twice");
    }
  }

  private void requirePossible(Normalization normalization) {
    require(layer.has(normalization),
        "--layer %s has no %s normalization: take --layer norma".formatted(layer, normalization));
    network.architecture().flatMap(architecture -> architecture.refusal(normalization)).ifPresent(reason ->
        require(false, "--normalization %s does not go with --network %s: %s".formatted(
            normalization, network, reason)));
  }

  private void requireFits(int batch, Split images) {
    require(batch <= images.train().size(), "--batch-size must be at most %d, the number of training images, not %d"
        .formatted(images.train().size(), batch));
  }

  private void require(boolean condition, String message) {
    if (!condition) {
      throw new ParameterException(spec.commandLine(), message);
    }
  }

  /** Its folder is made before the training, so that a folder that cannot be made does not cost a training. */
  private Output output() throws IOException {
    var folder = Files.createDirectories(out.orElse(DEFAULT_OUT));
    if (out.isEmpty()) {
      Files.writeString(folder.resolve(".gitignore"), "*\n");
    }
    return new Output(spec.commandLine().getOut(), spec.commandLine().getErr(), folder);
  }

  private List<String> description(Split images, String networkInWords, Recipe recipe) {
    var lines = new ArrayList<>(List.of(
        "Images:   " + images.source(),
        "          " + images.sizes(),
        "Network:  " + networkInWords,
        "Training: gradient descent, " + training(recipe),
        "Layer:    " + normalizing()));
    for (var normalization : normalizations) {
      normalization.remark().ifPresent(remark -> lines.add("          " + normalization + ": " + remark));
    }
    return lines;
  }

  private String normalizing() {
    var names = normalizations.stream()
        .filter(normalization -> normalization.maker().isPresent())
        .map(Normalization::toString)
        .toList();
    return names.isEmpty()
        ? "no normalization"
        : "%s normalization by %s%s".formatted(
            String.join(", ", names), layer, check ? ", every call compared with the reference" : "");
  }

  private String training(Recipe recipe) {
    String seeds = runs > 1 ? "seeds %d to %d".formatted(seed, seed + runs - 1) : "seed " + seed;
    return sweep.isPresent()
        ? "%d epochs, learning rate %s for batches of %d and proportional to their size, %s".formatted(
            recipe.epochs(), recipe.learningRate(), recipe.batchSize(), seeds)
        : "learning rate %s, batches of %d, at most %d epochs, %s".formatted(
            recipe.learningRate(), recipe.batchSize(), recipe.epochs(), seeds);
  }
}
