package dev.norma.benchmarks.jmh;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A JVM with the tests' class path and the options that the benchmarks give to their runners. */
final class JavaProcess implements AutoCloseable {
  private static final long MOST_SECONDS = 120;

  private final Process process;
  private final BufferedReader answers;
  private final Path errors;

  /** Starts a main class; what it writes to standard error is kept in a file in the folder. */
  JavaProcess(Path folder, String... mainAndArguments) throws IOException {
    var command = new ArrayList<>(List.of(
        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
        "--enable-native-access=ALL-UNNAMED",
        "--sun-misc-unsafe-memory-access=allow",
        "-Dorg.bytedeco.javacpp.cachedir=" + Path.of(System.getenv("DJL_CACHE_DIR")).resolveSibling("javacpp"),
        "-Xmx512m",
        "-cp",
        System.getProperty("java.class.path")));
    command.addAll(List.of(mainAndArguments));
    errors = folder.resolve("errors");
    process = new ProcessBuilder(command).redirectError(errors.toFile()).start();
    answers = process.inputReader();
  }

  /** Starts a runner. */
  static JavaProcess runner(Path folder, String implementation) throws IOException {
    return new JavaProcess(folder, JmhRunner.class.getName(), implementation);
  }

  /** The next line of standard output, null at its end. */
  String answer() throws IOException {
    return answers.readLine();
  }

  /** Sends a command and waits for its answer. */
  String ask(String command) throws IOException {
    var writer = process.outputWriter();
    writer.write(command + "\n");
    writer.flush();
    return answer();
  }

  /** Ends the input. Returns all that is left on standard output, after the process has ended as it should. */
  List<String> end() throws IOException, InterruptedException {
    process.outputWriter().close();
    var rest = answers.readAllLines();
    assertThat(process.waitFor(MOST_SECONDS, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).as(Files.readString(errors)).isZero();
    return rest;
  }

  /** What it has written to standard error. */
  String errors() throws IOException {
    return Files.readString(errors);
  }

  @Override
  public void close() {
    process.destroyForcibly();
  }
}
