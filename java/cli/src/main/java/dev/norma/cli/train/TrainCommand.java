package dev.norma.cli.train;

import dev.norma.cli.ErrorStream;
import dev.norma.cli.InstructionSet;
import dev.norma.cli.Main;
import dev.norma.cli.UserException;
import dev.norma.cli.data.Digits;
import dev.norma.cli.data.ImageFolder;
import dev.norma.cli.data.Split;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
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
      "Train a multilayer perceptron on images of digits twice, without and with batch normalization, and compare.",
      "",
      "The network, its parameters and the stopping condition are those of Microsoft's ai-edu, chapter 15.6. Both "
          + "trainings start from the same weights and see the same batches. Prints a table of both beside the results "
          + "in that text and draws the learning curves.",
      ""
    },
    sortOptions = false)
public final class TrainCommand implements Callable<Integer> {
  static final Path DEFAULT_OUT = Path.of(".norma-out");

  @Option(names = "--data", paramLabel = "DIR",
      description = "Folder with MNIST or Fashion-MNIST files in IDX format, plain or .gz. "
          + "Default: the UCI handwritten digits that come with Norma.")
  private Optional<Path> data = Optional.empty();

  @Option(names = "--layer", paramLabel = "WHOSE", defaultValue = "norma",
      description = "Whose batch normalization runs: ${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}.")
  private NormLayer layer = NormLayer.NORMA;

  @Option(names = "--seed", paramLabel = "N", defaultValue = "1",
      description = "Decides the initial weights and the order of the images. Default: ${DEFAULT-VALUE}.")
  private long seed;

  @Option(names = "--epochs", paramLabel = "N", defaultValue = "30",
      description = "The most passes over the training images; 0 only tests. Default: ${DEFAULT-VALUE}.")
  private int epochs;

  @Option(names = "--batch-size", paramLabel = "N", defaultValue = "64",
      description = "Images per iteration, at least 2. Default: ${DEFAULT-VALUE}.")
  private int batchSize;

  @Option(names = "--learning-rate", paramLabel = "X", defaultValue = "0.1",
      description = "The learning rate of gradient descent. Default: ${DEFAULT-VALUE}.")
  private float learningRate;

  @Option(names = "--stop-loss", paramLabel = "X", defaultValue = "0.12",
      description = "Training ends when the validation loss is this or less. Default: ${DEFAULT-VALUE}.")
  private double stopLoss;

  @Option(names = "--check",
      description = "Compare every call of Norma's kernels with the reference; stop at a mismatch.")
  private boolean check;

  @Option(names = "--out", paramLabel = "DIR",
      description = "Folder for the learning curves, curves.png and curves.csv. Default: .norma-out")
  private Optional<Path> out = Optional.empty();

  @Option(names = "--save", paramLabel = "FILE", description = "Write both trained networks to a safetensors file.")
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
    Engines.prepare();
    var split = data.isPresent() ? ImageFolder.read(data.get()) : Digits.load();
    var options = new TrainingOptions(seed, epochs, batchSize, learningRate, stopLoss);
    var folder = outFolder();
    describe(split);
    var comparison = train(split, options);
    report(comparison, split);
    writeCurves(comparison, folder);
    if (comparison.diverged()) {
      throw new UserException("training diverged: its loss is no longer finite; try a lower --learning-rate");
    }
    return Main.SUCCESS;
  }

  private void requireSensible() {
    require(epochs >= 0, "--epochs must be at least 0, not " + epochs);
    require(batchSize >= 2, "--batch-size must be at least 2, not " + batchSize + ": one value has no variance");
    require(learningRate > 0 && Float.isFinite(learningRate),
        "--learning-rate must be above 0 and finite, not " + learningRate);
    require(stopLoss >= 0, "--stop-loss must be at least 0, not " + stopLoss);
    require(!check || layer == NormLayer.NORMA, "--check needs --layer norma: only Norma's calls can be compared");
    save.ifPresent(file -> require(Files.isDirectory(file.toAbsolutePath().getParent()),
        "--save " + file + ": its folder does not exist"));
  }

  private void require(boolean condition, String message) {
    if (!condition) {
      throw new ParameterException(spec.commandLine(), message);
    }
  }

  /** Made before the training, so that a folder that cannot be made does not cost a training. */
  private Path outFolder() throws IOException {
    var folder = Files.createDirectories(out.orElse(DEFAULT_OUT));
    if (out.isEmpty()) {
      Files.writeString(folder.resolve(".gitignore"), "*\n");
    }
    return folder;
  }

  private void describe(Split split) {
    var stdout = spec.commandLine().getOut();
    stdout.println("Images:   " + split.source());
    stdout.println("          " + split.sizes());
    stdout.println("Network:  " + Perceptron.describe(split.features()));
    stdout.printf("Training: gradient descent, learning rate %s, batches of %d, at most %d epochs, seed %d%n",
        learningRate, batchSize, epochs, seed);
    stdout.printf("Layer:    batch normalization by %s%s%n",
        layer, check ? ", every call compared with the reference" : "");
    stdout.println();
    stdout.flush();
  }

  private Comparison train(Split split, TrainingOptions options) throws IOException {
    try (var training = new TwinTraining(split, options, () -> layer.create(check))) {
      if (load.isPresent()) {
        training.load(load.get());
      }
      long mostIterations = (long) epochs * TrainingRun.iterationsPerEpoch(split.train().size(), batchSize);
      var comparison = training.run(name -> progress(name + " batch normalization", mostIterations));
      if (save.isPresent()) {
        training.save(save.get());
      }
      return comparison;
    }
  }

  private Progress progress(String task, long mostIterations) {
    return ErrorStream.isTerminal()
        ? new BarProgress(ErrorStream.bar(task, mostIterations))
        : new LineProgress(spec.commandLine().getErr(), task);
  }

  private void report(Comparison comparison, Split split) {
    var stdout = spec.commandLine().getOut();
    ResultTable.lines(comparison, stopLoss).forEach(stdout::println);
    stdout.println();
    ResultNotes.lines(comparison, split.train().size()).forEach(stdout::println);
    stdout.println();
    if (check) {
      stdout.println("Every call of the kernels agreed with the reference.");
    }
    save.ifPresent(file -> stdout.println("Wrote " + file));
    stdout.flush();
  }

  private void writeCurves(Comparison comparison, Path folder) throws IOException {
    if (!comparison.trained()) {
      return;
    }
    PrintWriter stdout = spec.commandLine().getOut();
    var table = folder.resolve("curves.csv");
    CurveFile.write(table, comparison);
    stdout.println("Wrote " + table);
    var picture = folder.resolve("curves.png");
    CurvePlot.write(picture, comparison, stopLoss);
    stdout.println("Wrote " + picture);
  }
}
