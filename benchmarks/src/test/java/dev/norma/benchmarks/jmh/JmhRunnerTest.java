package dev.norma.benchmarks.jmh;

import static org.assertj.core.api.Assertions.assertThat;

import dev.norma.benchmarks.Normalization;
import dev.norma.benchmarks.Operation;
import dev.norma.benchmarks.Pass;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The runners in Java, each a process that is spoken to as the benchmarks do. */
class JmhRunnerTest {
  /**
   * In units of the type's last place at 1: no number that the formulas add up here is above 32 (|x - mean| up to 4,
   * inverse deviations up to 2, gamma up to 1.5, sums of 12 products), and no result takes more than 32 roundings.
   */
  private static final double MOST_ULPS = 32 * 32;

  private static final ExactCase SMALL =
      new ExactCase(Operation.BATCH_NORM, Pass.FORWARD_TRAINING, "f32", "nchw", 3, 5, 4);

  @TempDir
  private Path folder;

  private Path inputs;
  private Path outputs;

  @BeforeEach
  void makeFolders() throws IOException {
    inputs = Files.createDirectory(folder.resolve("inputs"));
    outputs = Files.createDirectory(folder.resolve("outputs"));
  }

  @ParameterizedTest
  @CsvSource({
    "NormaJava, Norma, f32 f64, nchw nhwc",
    "NormaBindings, Norma, f32 f64, nchw nhwc",
    "JavaReference, Java, f32 f64, nchw nhwc",
    "PyTorchJvm, PyTorch, f32 f64, nchw nhwc",
    "Djl, DJL, f32, nchw"
  })
  void computesWhatTheReferenceComputes(String implementation, String name, String types, String layouts)
      throws IOException, InterruptedException {
    try (var runner = JavaProcess.runner(folder, implementation)) {
      assertThat(runner.answer()).startsWith("ready," + name + " ");
      for (var pass : Pass.values()) {
        for (var type : types.split(" ")) {
          for (var layout : layouts.split(" ")) {
            var operation = Operation.BATCH_NORM;
            new ExactCase(operation, pass, type, layout, 3, 5, 4).check(runner, inputs, outputs, MOST_ULPS);
            new ExactCase(operation, pass, type, layout, 6, 5, 1).check(runner, inputs, outputs, MOST_ULPS);
          }
        }
      }
      assertThat(runner.end()).isEmpty();
      assertThat(runner.errors()).isEmpty();
    }
  }

  /** In 16 bits a result has three roundings of its type: itself, what is expected, and a sum that was stored. */
  @ParameterizedTest
  @ValueSource(strings = {"NormaJava", "NormaBindings", "JavaReference", "PyTorchJvm"})
  void computesReluAndTypesOf16Bits(String implementation) throws IOException, InterruptedException {
    try (var runner = JavaProcess.runner(folder, implementation)) {
      runner.answer();
      for (var pass : Pass.values()) {
        new ExactCase(Operation.BATCH_NORM_RELU, pass, "f32", "nchw", 3, 5, 4)
            .check(runner, inputs, outputs, MOST_ULPS);
        new ExactCase(Operation.BATCH_NORM_ADD_RELU, pass, "f64", "nhwc", 3, 5, 4)
            .check(runner, inputs, outputs, MOST_ULPS);
        new ExactCase(Operation.BATCH_NORM, pass, "bf16", "nhwc", 3, 5, 4).check(runner, inputs, outputs, 3 * 8);
        new ExactCase(Operation.BATCH_NORM_ADD_RELU, pass, "f16", "nchw", 3, 5, 4)
            .check(runner, inputs, outputs, 3 * 8);
      }
      assertThat(runner.end()).isEmpty();
      assertThat(runner.errors()).isEmpty();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"NormaJava", "NormaBindings", "JavaReference"})
  void computesTheOtherNormalizations(String implementation) throws IOException, InterruptedException {
    try (var runner = JavaProcess.runner(folder, implementation)) {
      runner.answer();
      for (var operation : List.of(
          Operation.LAYER_NORM, Operation.RMS_NORM, Operation.GROUP_NORM, Operation.INSTANCE_NORM)) {
        for (var pass : List.of(Pass.FORWARD_TRAINING, Pass.BACKWARD_TRAINING)) {
          if (operation.normalization() == Normalization.LAYER) {
            new ExactCase(operation, pass, "f32", "nchw", 5, 24, 1).check(runner, inputs, outputs, MOST_ULPS);
            new ExactCase(operation, pass, "bf16", "nchw", 5, 24, 1).check(runner, inputs, outputs, 3 * 8);
          } else {
            new ExactCase(operation, pass, "f32", "nchw", 3, 6, 4).check(runner, inputs, outputs, MOST_ULPS);
            new ExactCase(operation, pass, "f64", "nhwc", 3, 6, 4).check(runner, inputs, outputs, MOST_ULPS);
          }
        }
      }
      assertThat(runner.end()).isEmpty();
      assertThat(runner.errors()).isEmpty();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"PyTorchJvm", "Djl"})
  void whoHasBatchNormalizationAloneSaysSo(String implementation) throws IOException {
    var rows = new ExactCase(Operation.LAYER_NORM, Pass.FORWARD_TRAINING, "f32", "nchw", 5, 24, 1);
    rows.write(inputs);
    try (var runner = JavaProcess.runner(folder, implementation)) {
      runner.answer();
      assertThat(runner.ask(rows.command(inputs, outputs))).startsWith("unsupported,no layer-norm");
    }
  }

  @Test
  void timesRoundsOfAPreparedCase() throws IOException, InterruptedException {
    SMALL.write(inputs);
    try (var runner = JavaProcess.runner(folder, "JavaReference")) {
      runner.answer();
      runner.ask(SMALL.command(inputs, outputs));
      for (var round = 0; round < 3; round++) {
        assertThat(runner.ask("time,%d,1000000".formatted(round)))
            .matches("batch-norm,forward-training,f32,nchw,3,5,4,1,2,%d,\\d+\\.\\d,\\d+\\.\\d".formatted(round));
      }
      assertThat(runner.end()).isEmpty();
      assertThat(runner.errors()).isEmpty();
    }
  }

  /** The smallest object has 16 bytes: below that, not every call allocates one. */
  @ParameterizedTest
  @ValueSource(strings = {"NormaJava", "NormaBindings"})
  void normasCallsAllocateNothing(String implementation) throws IOException {
    SMALL.write(inputs);
    try (var runner = JavaProcess.runner(folder, implementation)) {
      runner.answer();
      runner.ask(SMALL.command(inputs, outputs));
      var bytes = Double.MAX_VALUE;
      // How long it takes until all is compiled depends on what else the machine does.
      for (var round = 0; round < 50 && bytes >= 1; round++) {
        var answer = runner.ask("time," + round + ",20000000").split(",");
        bytes = Double.parseDouble(answer[answer.length - 1]);
      }
      assertThat(bytes).isLessThan(1);
    }
  }

  @Test
  void anOutputsFolderIsNotNeeded() throws IOException {
    SMALL.write(inputs);
    try (var runner = JavaProcess.runner(folder, "JavaReference")) {
      runner.answer();
      assertThat(runner.ask(SMALL.command(inputs, Path.of("")))).startsWith("prepared,");
      assertThat(outputs).isEmptyDirectory();
    }
  }

  @Test
  void whatFailsIsSaidInOneLineAndTheRunnerGoesOn() throws IOException, InterruptedException {
    SMALL.write(inputs);
    try (var runner = JavaProcess.runner(folder, "JavaReference")) {
      runner.answer();
      assertThat(runner.ask("hello")).isEqualTo("failed,a command is prepare, time or release, not 'hello'");
      assertThat(runner.ask("time,0,1000")).isEqualTo("failed,time needs a prepare before it");
      assertThat(runner.ask("prepare,x")).startsWith("failed,prepare has 12 fields, not 2: prepare,OPERATION,PASS");
      assertThat(runner.ask(SMALL.command(inputs, outputs).replace("forward-training", "sideways")))
          .isEqualTo("failed,'sideways' is no pass");
      assertThat(runner.ask(SMALL.command(inputs, outputs).replace("f32", "f8")))
          .isEqualTo("failed,TYPE must be one of f32, f64, bf16, f16, not 'f8'");
      assertThat(runner.ask(SMALL.command(inputs, outputs).replace("batch-norm", "batch")))
          .isEqualTo("failed,'batch' is no operation");
      assertThat(runner.ask(SMALL.command(inputs, outputs).replace(",3,5,4,", ",3,0,4,")))
          .isEqualTo("failed,C must be a whole number of at least 1, not '0'");
      assertThat(runner.ask(SMALL.command(inputs, outputs).replace("nchw", "nChw16c")))
          .isEqualTo("unsupported,no layout nChw16c");
      assertThat(runner.ask(SMALL.command(inputs, outputs))).startsWith("prepared,");
      assertThat(runner.ask("time,0,x")).isEqualTo("failed,NS must be a whole number of at least 1, not 'x'");
      assertThat(runner.ask("time,1000")).isEqualTo("failed,time must be time,ROUND,NS, not 'time,1000'");
      assertThat(runner.end()).isEmpty();
      assertThat(runner.errors()).isEmpty();
    }
  }

  @Test
  void missingAndWrongInputsAreNamed() throws IOException {
    try (var runner = JavaProcess.runner(folder, "NormaJava")) {
      runner.answer();
      assertThat(runner.ask(SMALL.command(inputs, outputs)))
          .isEqualTo("failed,cannot read %s (NoSuchFileException)".formatted(inputs.resolve("gamma")));
      SMALL.write(inputs);
      Files.write(inputs.resolve("x"), new byte[7]);
      assertThat(runner.ask(SMALL.command(inputs, outputs)))
          .isEqualTo("failed,%s has 7 bytes, the case needs 240".formatted(inputs.resolve("x")));
    }
  }

  @Test
  void whatDjlCannotDoIsUnsupported() throws IOException {
    try (var runner = JavaProcess.runner(folder, "Djl")) {
      runner.answer();
      assertThat(runner.ask(SMALL.command(inputs, outputs).replace("nchw", "nhwc")))
          .isEqualTo("unsupported,DJL's arrays have no layout nhwc");
      assertThat(runner.ask(SMALL.command(inputs, outputs).replace("f32", "f64")))
          .startsWith("unsupported,DJL takes epsilon as a float");
      assertThat(runner.ask(SMALL.command(inputs, outputs).replace("batch-norm", "batch-norm-relu")))
          .isEqualTo("unsupported,no batch-norm-relu, only batch-norm");
      assertThat(runner.ask(SMALL.command(inputs, outputs).replace("f32", "bf16")))
          .isEqualTo("unsupported,no bf16, only f32");
    }
  }

  @Test
  void whatTheImplementationRefusesFails() throws IOException {
    var oneValue = new ExactCase(Operation.BATCH_NORM, Pass.FORWARD_TRAINING, "f32", "nchw", 1, 5, 1);
    oneValue.write(inputs);
    try (var runner = JavaProcess.runner(folder, "JavaReference")) {
      runner.answer();
      assertThat(runner.ask(oneValue.command(inputs, outputs)))
          .startsWith("failed,").contains("training needs more than one value per channel");
    }
  }

  @Test
  void aCallThatThrowsWhileItIsTimedFailsWithItsMessage() throws IOException, InterruptedException {
    try (var runner = JavaProcess.runner(folder, "BrokenBenchmark")) {
      assertThat(runner.answer()).isEqualTo("ready,Broken 1");
      assertThat(runner.ask(SMALL.command(inputs, outputs))).startsWith("prepared,");
      assertThat(runner.ask("time,0,1000000")).isEqualTo("failed,broken while timed");
      assertThat(runner.ask("release")).isEqualTo("released");
      assertThat(runner.end()).isEmpty();
    }
  }

  @Test
  void anImplementationThatCannotBeLoadedIsMissing() throws IOException, InterruptedException {
    try (var runner = JavaProcess.runner(folder, "Nothing")) {
      assertThat(runner.answer()).startsWith("missing,").contains("dev.norma.benchmarks.jmh.Nothing");
      assertThat(runner.end()).isEmpty();
    }
    try (var runner = new JavaProcess(folder, "-Dnorma.library.path=/nowhere/libnorma.so", JmhRunner.class.getName(),
        "NormaJava")) {
      assertThat(runner.answer()).startsWith("missing,").contains("/nowhere/libnorma.so");
      assertThat(runner.end()).isEmpty();
    }
  }
}
