package dev.norma.benchmarks.run;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;

/** Makes the commands of the registry into those that start runners. */
final class CommandTemplate {
  private static final String JMH_RUNNER = "dev.norma.benchmarks.jmh.JmhRunner";

  private final Path root;
  private final Optional<Path> python;

  CommandTemplate(Path root, Optional<Path> python) {
    this.root = root;
    this.python = python.or(() -> Stream.of("python3", "python").flatMap(name -> onPath(name).stream()).findFirst());
  }

  /**
   * A command with its placeholders filled in.
   *
   * @throws RunnerException if its program is not there; the message says what to do
   */
  List<String> fill(String template) throws RunnerException {
    if (template.contains("{python}") && python.isEmpty()) {
      throw new RunnerException("no python3 or python is on the PATH; install one, or name one with --python");
    }
    var command = Arrays.stream(template.split(" +")).flatMap(this::fillWord).toList();
    requireProgram(command.getFirst());
    return command;
  }

  private Stream<String> fillWord(String word) {
    if (word.equals("{java}")) {
      return java();
    }
    return Stream.of(word
        .replace("{jmh}", JMH_RUNNER)
        .replace("{native}", root.resolve(".build/native/benchmarks").toString())
        .replace("{benchmarks}", root.resolve("benchmarks").toString())
        .replace("{python}", python.map(Path::toString).orElse("")));
  }

  /**
   * Code is compiled in the foreground: from profiles that are the same in every run, and not while something is timed.
   * Huge pages as in the other runners; at most half of the memory, which holds the largest tensors several times. JMH
   * uses what the JVM warns of, and JavaCPP would unpack libraries into the user's home.
   */
  private Stream<String> java() {
    return Stream.of(
        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
        "--enable-native-access=ALL-UNNAMED",
        "--sun-misc-unsafe-memory-access=allow",
        "-Dorg.bytedeco.javacpp.cachedir=" + root.resolve(".build/javacpp"),
        "-Xbatch",
        "-XX:+UseTransparentHugePages",
        "-Xmx%dm".formatted(Memory.total() / 2 >> 20),
        "-cp",
        root.resolve("benchmarks/target/norma-benchmarks.jar").toString());
  }

  private void requireProgram(String program) throws RunnerException {
    boolean found = program.contains(File.separator)
        ? Files.isExecutable(root.resolve(program))
        : onPath(program).isPresent();
    if (!found) {
      throw new RunnerException(program.contains(File.separator)
          ? program + " does not exist or cannot be run; was it built?"
          : program + " is not on the PATH; install it");
    }
  }

  private static Optional<Path> onPath(String program) {
    return Arrays.stream(Objects.requireNonNullElse(System.getenv("PATH"), "").split(File.pathSeparator))
        .map(folder -> Path.of(folder, program))
        .filter(Files::isExecutable)
        .findFirst();
  }
}
