package dev.norma.benchmarks.python;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_DOUBLE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import dev.norma.BatchNormDescriptor;
import dev.norma.DataType;
import dev.norma.Kernels;
import dev.norma.Layout;
import dev.norma.Tensor;
import dev.norma.benchmarks.ImageOracle;
import dev.norma.benchmarks.KernelPasses;
import dev.norma.benchmarks.Normalization;
import dev.norma.benchmarks.Operation;
import dev.norma.benchmarks.Pass;
import dev.norma.benchmarks.Types;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.DoubleStream;
import java.util.stream.Stream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The peers in Python, driven as the benchmark drives them; skipped where their library is not installed. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class PythonRunnersTest {
  private static final double EPSILON = 1e-5;

  @TempDir Path folder;

  /** A small case: its inputs are exact in the type of the case. */
  private record Example(Operation operation, String type, String layout, int batch, int channels, int spatial) {
    private BatchNormDescriptor descriptor() {
      var order = layout.equals("nhwc") ? Layout.CHANNELS_LAST : Layout.CHANNELS_FIRST;
      return new BatchNormDescriptor(batch, channels, spatial, EPSILON, DataType.FLOAT64, order, 1);
    }

    private static boolean isTensor(String name) {
      return name.matches("d?([xy]|residual)");
    }

    private int count(String name) {
      return isTensor(name) ? batch * channels * spatial : channels;
    }

    /** Room for an array in the type of the case. */
    private Tensor array(String name) {
      var type = Types.of(type());
      return Tensor.allocate(Arena.ofAuto(), isTensor(name) ? type : type.parameterType(), Layout.CHANNELS_FIRST, 1,
          count(name));
    }

    private Tensor input(String name) {
      var random = new Random(name.hashCode());
      return array(name).copyFrom(DoubleStream.generate(() -> 0.5 + random.nextFloat()).limit(count(name)).toArray());
    }

    /** An input as the reference in double reads it. */
    private MemorySegment exact(String name) {
      return Arena.ofAuto().allocateFrom(JAVA_DOUBLE, input(name).toDoubles());
    }

    private MemorySegment output(String name) {
      return Arena.ofAuto().allocate(JAVA_DOUBLE, count(name));
    }

    void writeInputs(Path folder) throws IOException {
      for (var name : List.of("x", "dy", "residual", "gamma", "beta", "running_mean", "running_var")) {
        Files.write(folder.resolve(name), input(name).segment().toArray(JAVA_BYTE));
      }
    }

    double[] read(Path file) throws IOException {
      var array = array(file.getFileName().toString());
      array.segment().copyFrom(MemorySegment.ofArray(Files.readAllBytes(file)));
      return array.toDoubles();
    }

    /** Three where there is a choice. */
    private int groups() {
      return switch (operation.normalization()) {
        case BATCH, LAYER -> 1;
        case GROUP -> 3;
        case INSTANCE -> channels;
      };
    }

    /** What the pass must compute, in double. */
    Map<String, double[]> expected(Pass pass) {
      if (operation.normalization() != Normalization.BATCH) {
        return new ImageOracle(operation, layout, batch, channels, spatial, groups()).expected(
            input("x").toDoubles(), input("dy").toDoubles(), input("gamma").toDoubles(), input("beta").toDoubles());
      }
      return byReference(pass).entrySet().stream()
          .collect(Collectors.toMap(Map.Entry::getKey, output -> output.getValue().toArray(JAVA_DOUBLE)));
    }

    private Map<String, MemorySegment> byReference(Pass pass) {
      var passes = new KernelPasses(Kernels.reference(), operation, descriptor());
      var x = exact("x");
      var residual = operation.hasResidual() ? exact("residual") : MemorySegment.NULL;
      var gamma = exact("gamma");
      var beta = exact("beta");
      var y = output("y");
      if (pass == Pass.FORWARD_INFERENCE) {
        passes.forwardInference(x, residual, gamma, beta, exact("running_mean"), exact("running_var"), y);
        return Map.of("y", y);
      }
      var mean = output("mean");
      var variance = output("variance");
      passes.forwardTraining(x, residual, gamma, beta, y, mean, variance);
      if (pass == Pass.FORWARD_TRAINING) {
        return Map.of("y", y);
      }
      var gradients = pass.outputs(operation).stream().collect(Collectors.toMap(name -> name, this::output));
      passes.backwardTraining(x, residual, exact("dy"), gamma, beta, mean, variance, gradients.get("dx"),
          gradients.getOrDefault("dresidual", MemorySegment.NULL), gradients.get("dgamma"), gradients.get("dbeta"));
      return gradients;
    }

    /** Of 16 bits, three roundings of a number up to 8: the result, what is expected, and a sum that was stored. */
    Offset<Double> rounding() {
      return within(switch (Types.of(type)) {
        case FLOAT32 -> 2e-5;
        case FLOAT64 -> 1e-13;
        case BFLOAT16 -> 3 * 8 * 0x1p-8;
        case FLOAT16 -> 3 * 8 * 0x1p-11;
      });
    }
  }

  private PythonProcess start(String script) throws IOException {
    var runner = PythonProcess.ofPeer(folder, script);
    var first = runner.answer();
    assumeFalse(first.startsWith("missing,"), first);
    assertThat(first).matches("ready,(PyTorch|NumPy) \\d+\\.\\d+.*");
    return runner;
  }

  @ParameterizedTest
  @ValueSource(strings = {"pytorch.py", "formulas.py"})
  void computesEveryCase(String script) throws Exception {
    try (var runner = start(script)) {
      for (var type : List.of("f32", "f64")) {
        for (var layout : List.of("nchw", "nhwc")) {
          // S of 4 and 9 is a square, of 7 a row, and of 1 nothing.
          check(runner, new Example(Operation.BATCH_NORM, type, layout, 2, 3, 4));
          check(runner, new Example(Operation.BATCH_NORM, type, layout, 1, 1, 9));
          check(runner, new Example(Operation.BATCH_NORM, type, layout, 4, 18, 7));
          check(runner, new Example(Operation.BATCH_NORM, type, layout, 5, 6, 1));
        }
      }
      runner.finish();
    }
  }

  @Test
  void pytorchComputesReluAndTypesOf16Bits() throws Exception {
    try (var runner = start("pytorch.py")) {
      check(runner, new Example(Operation.BATCH_NORM_RELU, "f32", "nchw", 2, 3, 4));
      check(runner, new Example(Operation.BATCH_NORM_ADD_RELU, "f64", "nhwc", 2, 3, 4));
      check(runner, new Example(Operation.BATCH_NORM, "bf16", "nhwc", 2, 3, 4));
      check(runner, new Example(Operation.BATCH_NORM_ADD_RELU, "f16", "nchw", 2, 3, 4));
      runner.finish();
    }
  }

  @Test
  void pytorchNormalizesRowsAndGroups() throws Exception {
    try (var runner = start("pytorch.py")) {
      for (var type : List.of("f32", "f64", "bf16", "f16")) {
        check(runner, new Example(Operation.LAYER_NORM, type, "nchw", 5, 24, 1));
        check(runner, new Example(Operation.RMS_NORM, type, "nchw", 5, 24, 1));
      }
      for (var layout : List.of("nchw", "nhwc")) {
        for (var type : List.of("f32", "f64", "bf16")) {
          check(runner, new Example(Operation.GROUP_NORM, type, layout, 2, 6, 9));
          check(runner, new Example(Operation.INSTANCE_NORM, type, layout, 2, 5, 12));
        }
      }
      runner.finish();
    }
  }

  @Test
  void theFormulasAreThoseOfBatchNormalizationAlone() throws Exception {
    try (var runner = start("formulas.py")) {
      assertThat(runner.answer("prepare,batch-norm-relu,forward-training,f32,nchw,2,3,4,1,1,%s,".formatted(folder)))
          .isEqualTo("unsupported,the formulas are written for batch normalization alone");
      assertThat(runner.answer("prepare,batch-norm,forward-training,f16,nchw,2,3,4,1,1,%s,".formatted(folder)))
          .isEqualTo("unsupported,the formulas are written for f32 and f64, not for f16");
    }
  }

  private void check(PythonProcess runner, Example example) throws Exception {
    var inputs = Files.createTempDirectory(folder, "inputs");
    example.writeInputs(inputs);
    for (var pass : Stream.of(Pass.values()).filter(pass -> pass.isOf(example.operation)).toList()) {
      var outputs = Files.createTempDirectory(folder, "outputs");
      var measured = "%s,%s,%s,%s,%d,%d,%d,%d,1".formatted(example.operation, pass, example.type, example.layout,
          example.batch, example.channels, example.spatial, example.groups());
      assertThat(runner.answer("prepare,%s,%s,%s".formatted(measured, inputs, outputs)))
          .as(measured).matches("prepared,\\d+");
      assertThat(runner.answer("time,3,1000")).matches(measured + ",3,\\d+\\.\\d,");
      assertThat(runner.answer("release")).isEqualTo("released");
      for (var name : pass.outputs(example.operation)) {
        assertThat(example.read(outputs.resolve(name)))
            .as(measured + " " + name)
            .containsExactly(example.expected(pass).get(name), example.rounding());
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"pytorch.py", "formulas.py"})
  void knowsNoBlocksOfChannels(String script) throws Exception {
    try (var runner = start(script)) {
      assertThat(runner.answer("prepare,batch-norm,forward-training,f32,nChw16c,2,16,4,1,1,%s,".formatted(folder)))
          .startsWith("unsupported,").contains("nChw16c");
    }
  }

  /** Without {@code site} and the environment, Python finds nothing but its own library. */
  @ParameterizedTest
  @CsvSource({"pytorch.py, torch", "formulas.py, numpy"})
  void saysWhatToInstallWhereTheLibraryIsMissing(String script, String module) throws Exception {
    try (var runner = PythonProcess.ofPeer(folder, script, "-E", "-S")) {
      assertThat(runner.answer())
          .startsWith("missing,No module named '" + module + "': install it with ")
          .endsWith(" -m pip install " + module);
      runner.finish();
      assertThat(runner.errors()).isEmpty();
    }
  }
}
