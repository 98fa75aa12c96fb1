package dev.norma.benchmarks.jmh;

import static org.assertj.core.api.Assertions.assertThat;

import dev.norma.benchmarks.Operation;
import dev.norma.benchmarks.Pass;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The runner of the Vector API, which needs an option of the JVM. */
class JavaVectorTest {
  /** In units of the type's last place at 1: for 120 values, as {@link JmhRunnerTest} counts them for 12. */
  private static final double MOST_ULPS = 10 * 32 * 32;

  @TempDir
  private Path folder;

  private Path inputs;
  private Path outputs;

  @BeforeEach
  void makeFolders() throws IOException {
    inputs = Files.createDirectory(folder.resolve("inputs"));
    outputs = Files.createDirectory(folder.resolve("outputs"));
  }

  private JavaProcess runner() throws IOException {
    return new JavaProcess(
        folder, "--add-modules=jdk.incubator.vector", JmhRunner.class.getName(), "JavaVector");
  }

  @Test
  void runsEveryPassInBothLayoutsAndTypes() throws IOException, InterruptedException {
    try (var runner = runner()) {
      assertThat(runner.answer()).matches("ready,Java \\d+ Vector API, \\d+ bits");
      for (var pass : Pass.values()) {
        for (var layout : new String[] {"nchw", "nhwc"}) {
          for (var type : new String[] {"f32", "f64"}) {
            new ExactCase(Operation.BATCH_NORM, pass, type, layout, 6, 5, 20).check(runner, inputs, outputs, MOST_ULPS);
          }
        }
      }
      assertThat(runner.end()).isEmpty();
      assertThat(runner.errors()).isEqualTo("WARNING: Using incubator modules: jdk.incubator.vector\n");
    }
  }

  /** The smallest object has 16 bytes: below that, not every call allocates one. */
  @ParameterizedTest
  @CsvSource({
    "FORWARD_TRAINING, nchw",
    "FORWARD_TRAINING, nhwc",
    "FORWARD_INFERENCE, nchw",
    "FORWARD_INFERENCE, nhwc",
    "BACKWARD_TRAINING, nchw",
    "BACKWARD_TRAINING, nhwc"
  })
  void callsAllocateNothing(Pass pass, String layout) throws IOException {
    var asked = new ExactCase(Operation.BATCH_NORM, pass, "f32", layout, 8, 16, 49);
    asked.write(inputs);
    try (var runner = runner()) {
      runner.answer();
      runner.ask(asked.command(inputs, outputs));
      var bytes = Double.MAX_VALUE;
      // How long it takes until all is compiled depends on what else the machine does.
      for (var round = 0; round < 100 && bytes >= 1; round++) {
        var answer = runner.ask("time," + round + ",20000000").split(",");
        bytes = Double.parseDouble(answer[answer.length - 1]);
      }
      assertThat(bytes).isLessThan(1);
    }
  }
}
