package dev.norma.benchmarks.python;

import static java.lang.foreign.ValueLayout.JAVA_DOUBLE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import dev.norma.BatchNormDescriptor;
import dev.norma.DataType;
import dev.norma.Kernels;
import dev.norma.Layout;
import dev.norma.benchmarks.Pass;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.DoubleStream;
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

  /** A small batch normalization: its inputs are exact in the type of the case. */
  private record Example(String type, String layout, int batch, int channels, int spatial) {
    private BatchNormDescriptor descriptor() {
      var order = layout.equals("nhwc") ? Layout.CHANNELS_LAST : Layout.CHANNELS_FIRST;
      return new BatchNormDescriptor(batch, channels, spatial, EPSILON, DataType.FLOAT64, order, 1);
    }

    private int count(String name) {
      return name.matches("d?[xy]") ? batch * channels * spatial : channels;
    }

    private MemorySegment input(String name) {
      var random = new Random(name.hashCode());
      var values = DoubleStream.generate(() -> 0.5 + random.nextFloat()).limit(count(name));
      return Arena.ofAuto().allocateFrom(JAVA_DOUBLE, values.toArray());
    }

    private MemorySegment output(String name) {
      return Arena.ofAuto().allocate(JAVA_DOUBLE, count(name));
    }

    void writeInputs(Path folder) throws IOException {
      for (var name : List.of("x", "dy", "gamma", "beta", "running_mean", "running_var")) {
        var file = ByteBuffer.allocate(count(name) * Double.BYTES).order(ByteOrder.nativeOrder());
        for (var value : input(name).toArray(JAVA_DOUBLE)) {
          var _ = type.equals("f64") ? file.putDouble(value) : file.putFloat((float) value);
        }
        Files.write(folder.resolve(name), Arrays.copyOf(file.array(), file.position()));
      }
    }

    double[] read(Path file) throws IOException {
      var bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.nativeOrder());
      var size = type.equals("f64") ? Double.BYTES : Float.BYTES;
      return DoubleStream.generate(() -> type.equals("f64") ? bytes.getDouble() : bytes.getFloat())
          .limit(bytes.capacity() / size).toArray();
    }

    /** What the pass must compute, by the reference in double. */
    Map<String, MemorySegment> expected(Pass pass) {
      var kernels = Kernels.reference();
      var x = input("x");
      var gamma = input("gamma");
      var beta = input("beta");
      var y = output("y");
      if (pass == Pass.FORWARD_INFERENCE) {
        kernels.forwardInference(descriptor(), x, gamma, beta, input("running_mean"), input("running_var"), y,
            MemorySegment.NULL);
        return Map.of("y", y);
      }
      var mean = output("mean");
      var variance = output("variance");
      kernels.forwardTraining(descriptor(), x, gamma, beta, y, mean, variance, MemorySegment.NULL);
      if (pass == Pass.FORWARD_TRAINING) {
        return Map.of("y", y);
      }
      var gradients = Map.of("dx", output("dx"), "dgamma", output("dgamma"), "dbeta", output("dbeta"));
      kernels.backwardTraining(descriptor(), x, input("dy"), gamma, mean, variance, gradients.get("dx"),
          gradients.get("dgamma"), gradients.get("dbeta"), MemorySegment.NULL);
      return gradients;
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
          check(runner, new Example(type, layout, 2, 3, 4));
          check(runner, new Example(type, layout, 1, 1, 9));
          check(runner, new Example(type, layout, 4, 18, 7));
          check(runner, new Example(type, layout, 5, 6, 1));
        }
      }
      runner.finish();
    }
  }

  private void check(PythonProcess runner, Example example) throws Exception {
    var inputs = Files.createTempDirectory(folder, "inputs");
    example.writeInputs(inputs);
    for (var pass : Pass.values()) {
      var outputs = Files.createTempDirectory(folder, "outputs");
      var measured = "%s,%s,%s,%d,%d,%d,1".formatted(
          pass, example.type, example.layout, example.batch, example.channels, example.spatial);
      assertThat(runner.answer("prepare,%s,%s,%s".formatted(measured, inputs, outputs)))
          .as(measured).matches("prepared,\\d+");
      assertThat(runner.answer("time,3,1000")).matches(measured + ",3,\\d+\\.\\d,");
      assertThat(runner.answer("release")).isEqualTo("released");
      for (var output : example.expected(pass).entrySet()) {
        assertThat(example.read(outputs.resolve(output.getKey())))
            .as(measured + " " + output.getKey())
            .containsExactly(output.getValue().toArray(JAVA_DOUBLE), within(example.type.equals("f64") ? 1e-13 : 2e-5));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"pytorch.py", "formulas.py"})
  void knowsNoBlocksOfChannels(String script) throws Exception {
    try (var runner = start(script)) {
      assertThat(runner.answer("prepare,forward-training,f32,nChw16c,2,16,4,1,%s,".formatted(folder)))
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
