package dev.norma.benchmarks.cli;

import dev.norma.benchmarks.Implementation;
import dev.norma.benchmarks.Operation;
import dev.norma.benchmarks.Pass;
import dev.norma.benchmarks.Shape;
import dev.norma.benchmarks.Types;
import dev.norma.benchmarks.report.ErrorTable;
import dev.norma.benchmarks.report.Report;
import dev.norma.benchmarks.run.Accuracy;
import dev.norma.benchmarks.run.Bench;
import dev.norma.benchmarks.run.Interruption;
import dev.norma.benchmarks.run.Registry;
import dev.norma.benchmarks.run.Settings;
import dev.norma.benchmarks.run.ShapeFile;
import dev.norma.cli.Main;
import dev.norma.cli.UserException;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code norma bench}. */
@Command(
    name = "bench",
    description = {
      "Measure Norma and what else normalizes, side by side: the same work in C, Java and Python and in the "
          + "libraries for it. Results are compared with a reference before they are timed; what is missing on this "
          + "machine is listed.",
      "",
      "Ends in a folder with report.html, report.md and results.csv. Exit code 1 if Norma computes something wrong. "
          + "Interrupted, it keeps what it has measured and reports that.",
      ""
    },
    subcommands = {CompareCommand.class, ReportCommand.class},
    synopsisSubcommandLabel = "[compare | report]",
    sortOptions = false)
final class BenchCommand implements Callable<Integer> {
  private static final long NANOSECONDS_PER_MILLISECOND = 1_000_000;
  private static final int MOST_THREADS = 1024;

  /** 128 + SIGINT, as shells count. */
  private static final int INTERRUPTED = 130;

  /** Options that say where things lie, not what is measured. */
  private static final Set<String> FOLDERS = Set.of("--out", "--python");

  @Option(names = "--shapes", paramLabel = "SET", split = ",",
      description = "Sets of shapes, or files ending in .csv: resnet50, dense, small, large for batch "
          + "normalization; layer for layer and RMS normalization, group, instance; quick has some of all. "
          + "Default: resnet50.")
  private List<String> shapes = List.of();

  @Option(names = "--batch", paramLabel = "N", description = "N of every shape. Default: as in the set.")
  private Optional<Long> batch = Optional.empty();

  @Option(names = "--threads", paramLabel = "N", split = ",",
      description = "Numbers of threads. Default: 1 and all processors.")
  private List<Integer> threads = List.of();

  @Option(names = "--operations", paramLabel = "OPERATION", split = ",",
      description = "batch-norm, batch-norm-relu, batch-norm-add-relu (alone, with ReLU, with a residual and ReLU), "
          + "layer-norm, rms-norm, group-norm, instance-norm, each with the shapes for it. "
          + "Default: all but those with ReLU.")
  private List<String> operations = List.of();

  @Option(names = "--types", paramLabel = "TYPE", split = ",", description = "f32, f64, bf16, f16. Default: f32.")
  private List<String> types = List.of();

  @Option(names = "--layouts", paramLabel = "LAYOUT", split = ",",
      description = "nchw, nhwc. With nchw goes nChw16c where an implementation has it. Default: both.")
  private List<String> layouts = List.of();

  @Option(names = "--passes", paramLabel = "PASS", split = ",",
      description = "forward-training, forward-inference (batch normalization alone has it), backward-training. "
          + "Default: all.")
  private List<String> passes = List.of();

  @Option(names = "--implementations", paramLabel = "NAME", split = ",",
      description = "Only these of the registry. Default: all.")
  private List<String> implementations = List.of();

  @Option(names = "--registry", paramLabel = "FILE",
      description = "Another registry, for a peer of one's own. Default: benchmarks/implementations.csv")
  private Optional<Path> registry = Optional.empty();

  @Option(names = "--python", paramLabel = "PATH",
      description = "The Python interpreter. Default: the first of python3 and python on the PATH.")
  private Optional<Path> python = Optional.empty();

  @Option(names = "--rounds", paramLabel = "N",
      description = "Turns of each implementation in a case. Default: 7.")
  private Optional<Integer> rounds = Optional.empty();

  @Option(names = "--time", paramLabel = "MS", description = "Least length of a turn. Default: 30.")
  private Optional<Integer> time = Optional.empty();

  @Option(names = "--quick",
      description = "A look at everything in a minute or two: --shapes quick --threads 1,2 --rounds 5 --time 5, as far "
          + "as these are not given.")
  private boolean quick;

  @Option(names = "--accuracy",
      description = "Instead of times, how exact results are: the largest errors for hard inputs, in units in the last "
          + "place. Takes --operations (by default batch-norm; none with ReLU), --types, --implementations, "
          + "--registry, --python and --out.")
  private boolean accuracy;

  @Option(names = "--out", paramLabel = "DIR",
      description = "Folder for the results, which may not have any. Default: .build/bench/TIME")
  private Optional<Path> out = Optional.empty();

  @Spec
  private CommandSpec spec;

  @Override
  public Integer call() throws IOException {
    long start = System.nanoTime();
    try (var interruption = new Interruption()) {
      var settings = settings();
      var stdout = spec.commandLine().getOut();
      if (accuracy) {
        return showErrors(settings, interruption, stdout);
      }
      var bench = new Bench(settings, interruption);
      bench.description().forEach((label, text) -> stdout.printf("%-9s%s%n", label, text));
      stdout.println();
      stdout.flush();
      var outcome = bench.run(spec.commandLine().getErr());
      Report.write(settings.out(), outcome.info(), outcome.rows());
      stdout.println(Report.summary(outcome.info(), outcome.rows()));
      outcome.info().notes().forEach(note -> stdout.println("Note: " + note));
      Stream.of("report.html", "report.md", "results.csv")
          .forEach(file -> stdout.println("Wrote " + settings.out().resolve(file)));
      stdout.printf("Took %.0f s%n", (System.nanoTime() - start) / 1e9);
      stdout.flush();
      if (interruption.isRequested()) {
        return INTERRUPTED;
      }
      return outcome.normaIsWrong() ? Main.FAILURE : Main.SUCCESS;
    }
  }

  private static int showErrors(Settings settings, Interruption interruption, PrintWriter stdout) throws IOException {
    try {
      var table = new ErrorTable(new Accuracy(settings, interruption).run());
      stdout.print(table.text());
      var file = settings.out().resolve("accuracy.md");
      Files.writeString(file, table.markdown());
      stdout.println("Wrote " + file);
      return Main.SUCCESS;
    } catch (InterruptedException e) {
      return INTERRUPTED;
    }
  }

  private Settings settings() throws IOException {
    var root = Path.of(System.getProperty("norma.bench.root", "")).toAbsolutePath().normalize();
    require(threads.stream().allMatch(count -> count >= 1 && count <= MOST_THREADS),
        "--threads must be from 1 to %d, not %s".formatted(MOST_THREADS, threads));
    require(batch.isEmpty() || batch.get() >= 1, "--batch must be at least 1, not " + batch.orElse(0L));
    require(rounds.isEmpty() || rounds.get() >= 1, "--rounds must be at least 1, not " + rounds.orElse(0));
    require(time.isEmpty() || time.get() >= 1, "--time must be at least 1, not " + time.orElse(0));
    python.ifPresent(path -> require(Files.isExecutable(path), "--python %s: no such program".formatted(path)));
    var asked = asked(registry.orElse(root.resolve("benchmarks/implementations.csv")));
    var shapes = shapes(root.resolve("benchmarks/shapes"));
    var operations = operations();
    require(
        accuracy || shapes.stream().anyMatch(shape -> operations.stream().anyMatch(shape::isOf)),
        "--operations %s: no shape is for that, see --shapes".formatted(join(operations)));
    return new Settings(
        root,
        command(),
        asked,
        shapes,
        operations,
        chosen("--types", types, Types.ALL, List.of("f32")),
        chosen("--layouts", layouts, List.of("nchw", "nhwc"), List.of("nchw", "nhwc")),
        passes(),
        threads(),
        python.map(Path::toAbsolutePath),
        rounds.orElse(quick ? 5 : 7),
        time.orElse(quick ? 5 : 30) * NANOSECONDS_PER_MILLISECOND,
        outFolder(root));
  }

  private void require(boolean condition, String message) {
    if (!condition) {
      throw new ParameterException(spec.commandLine(), message);
    }
  }

  /** As one would type it again, without the folders of this machine that do not change what is measured. */
  private String command() {
    return Stream.concat(
            Stream.of("./norma", spec.name()),
            spec.commandLine().getParseResult().matchedOptions().stream()
                .filter(option -> !FOLDERS.contains(option.longestName()))
                .flatMap(BenchCommand::words))
        .map(word -> word.matches("[\\w./,=:+-]+") ? word : "'" + word.replace("'", "'\\''") + "'")
        .collect(Collectors.joining(" "));
  }

  private static Stream<String> words(OptionSpec option) {
    return option.arity().max() == 0
        ? Stream.of(option.longestName())
        : Stream.of(option.longestName(), String.join(",", option.originalStringValues()));
  }

  private List<Implementation> asked(Path file) throws IOException {
    var all = Registry.read(file);
    var names = all.stream().map(Implementation::name).toList();
    var chosen = chosen("--implementations", implementations, names, names);
    return all.stream().filter(each -> chosen.contains(each.name())).toList();
  }

  private List<Shape> shapes(Path folder) throws IOException {
    var chosen = new ArrayList<Shape>();
    for (var set : shapes.isEmpty() ? List.of(quick ? "quick" : "resnet50") : shapes) {
      for (var shape : ShapeFile.read(folder, set)) {
        chosen.add(batch.isPresent() ? ShapeFile.withBatch(shape, batch.get()) : shape);
      }
    }
    return List.copyOf(chosen);
  }

  private List<Operation> operations() {
    var names = names(Operation.values());
    var plain = names(Stream.of(Operation.values()).filter(each -> !each.hasRelu()).toArray());
    var choice = accuracy ? plain : names;
    return chosen("--operations", operations, choice, accuracy ? names.subList(0, 1) : plain).stream()
        .map(Operation::of)
        .toList();
  }

  private List<Pass> passes() {
    var names = names(Pass.values());
    return chosen("--passes", passes, names, names).stream().map(Pass::of).toList();
  }

  private static String join(List<?> values) {
    return values.stream().map(Object::toString).collect(Collectors.joining(","));
  }

  private static List<String> names(Object[] values) {
    return Arrays.stream(values).map(Object::toString).toList();
  }

  private List<Integer> threads() {
    var processors = quick ? 2 : Runtime.getRuntime().availableProcessors();
    return (threads.isEmpty() ? Stream.of(1, processors) : threads.stream()).distinct().toList();
  }

  private List<String> chosen(String option, List<String> given, List<String> choice, List<String> byDefault) {
    for (var each : given) {
      require(choice.contains(each), "%s: '%s' is none of %s".formatted(option, each, String.join(", ", choice)));
    }
    return given.isEmpty() ? byDefault : given.stream().distinct().toList();
  }

  /** Results that somebody may want to keep are not written over. */
  private Path outFolder(Path root) throws IOException {
    var folder = out.orElseGet(() -> root.resolve(".build/bench")
        .resolve(LocalDateTime.now().format(DateTimeFormatter.ofPattern("uuuu-MM-dd-HHmmss"))));
    if (Files.exists(folder.resolve("results.csv"))) {
      throw new UserException("--out %s: has results already, name another folder".formatted(folder));
    }
    return Files.createDirectories(folder);
  }
}
