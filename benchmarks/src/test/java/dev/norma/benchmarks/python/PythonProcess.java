package dev.norma.benchmarks.python;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** A script that runs in Python; what it writes to standard error is kept in a file. */
final class PythonProcess implements AutoCloseable {
  private static final Path SCRIPTS = Path.of("python").toAbsolutePath();

  private final Process process;
  private final BufferedReader output;
  private final Path errors;

  /** Starts one of the scripts beside {@code runner.py}; skips the test where there is no Python. */
  static PythonProcess ofPeer(Path folder, String script, String... options) throws IOException {
    return new PythonProcess(folder, SCRIPTS.resolve(script), options);
  }

  /** Starts a script that imports {@code runner.py}; skips the test where there is no Python. */
  PythonProcess(Path folder, Path script, String... options) throws IOException {
    var interpreter = Objects.requireNonNullElse(System.getenv("NORMA_PYTHON"), "python3");
    var command = Stream.of(Stream.of(interpreter, "-B"), Stream.of(options), Stream.of(script.toString()));
    errors = folder.resolve("errors");
    var builder = new ProcessBuilder(command.flatMap(words -> words).toList()).redirectError(errors.toFile());
    builder.environment().put("PYTHONPATH", SCRIPTS.toString());
    process = start(builder);
    output = process.inputReader(StandardCharsets.UTF_8);
  }

  private static Process start(ProcessBuilder builder) {
    try {
      return builder.start();
    } catch (IOException e) {
      return abort("no Python: " + e.getMessage() + "; NORMA_PYTHON names one");
    }
  }

  /** The next line of standard output; null at its end. */
  String answer() throws IOException {
    return output.readLine();
  }

  String answer(String command) throws IOException {
    var commands = process.outputWriter(StandardCharsets.UTF_8);
    commands.write(command + "\n");
    commands.flush();
    return answer();
  }

  List<String> errors() {
    try {
      return Files.readAllLines(errors);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Ends the input, after which the process must end in peace and say no more. */
  void finish() throws IOException, InterruptedException {
    process.outputWriter(StandardCharsets.UTF_8).close();
    assertThat(answer()).isNull();
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).isZero();
  }

  @Override
  public void close() {
    process.destroyForcibly();
  }
}
