package dev.norma.benchmarks.jmh;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

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
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;

/**
 * A case with its files: inputs whose values all types hold exactly, and what comes out of them, computed in double by
 * the reference.
 */
record ExactCase(
    Operation operation, Pass pass, String type, String layout, int batch, int channels, int spatial) {
  private static final List<String> TENSORS = List.of("x", "dy", "residual", "y", "dx", "dresidual");

  /** Writes the inputs. */
  void write(Path folder) throws IOException {
    for (var input : inputs().entrySet()) {
      var type = type(input.getKey());
      try (var arena = Arena.ofConfined()) {
        var values = Tensor.allocate(arena, type, Layout.CHANNELS_FIRST, 1, input.getValue().length);
        values.copyFrom(input.getValue());
        Files.write(folder.resolve(input.getKey()), values.segment().toArray(ValueLayout.JAVA_BYTE));
      }
    }
  }

  /** Eighths from -2 to 2, and for what must be positive from 1/2 to 3/2. */
  private Map<String, double[]> inputs() {
    var random = new Random(1);
    var inputs = new TreeMap<String, double[]>();
    for (var name : operation.hasResidual() ? List.of("x", "dy", "residual") : List.of("x", "dy")) {
      inputs.put(name, random.ints((long) batch * channels * spatial, -16, 17).mapToDouble(i -> i / 8.0).toArray());
    }
    for (var name : List.of("beta", "running_mean")) {
      inputs.put(name, random.ints(channels, -16, 17).mapToDouble(i -> i / 8.0).toArray());
    }
    for (var name : List.of("gamma", "running_var")) {
      inputs.put(name, random.ints(channels, 4, 13).mapToDouble(i -> i / 8.0).toArray());
    }
    return inputs;
  }

  /** The type of an array. */
  private DataType type(String name) {
    var ofTensors = Types.of(type);
    return TENSORS.contains(name) ? ofTensors : ofTensors.parameterType();
  }

  /** The command that asks a runner for this case. */
  String command(Path inputs, Path outputs) {
    return "prepare,%s,%s,%s,%s,%d,%d,%d,%d,2,%s,%s"
        .formatted(operation, pass, type, layout, batch, channels, spatial, groups(), inputs, outputs);
  }

  /** Two where there is a choice. */
  private int groups() {
    return switch (operation.normalization()) {
      case BATCH, LAYER -> 1;
      case GROUP -> 2;
      case INSTANCE -> channels;
    };
  }

  /** Reads an output that a runner wrote. */
  double[] read(Path file) throws IOException {
    var type = type(file.getFileName().toString());
    var bytes = Files.readAllBytes(file);
    try (var arena = Arena.ofConfined()) {
      var values = Tensor.allocate(arena, type, Layout.CHANNELS_FIRST, 1, bytes.length / type.bytes());
      values.segment().copyFrom(MemorySegment.ofArray(bytes));
      return values.toDoubles();
    }
  }

  /** Has a runner prepare the case, and checks what it wrote. */
  void check(JavaProcess runner, Path inputs, Path outputs, double mostUlps) throws IOException {
    write(inputs);
    assertThat(runner.ask(command(inputs, outputs))).as("%s", this).matches("prepared,\\d+");
    for (var expected : expected().entrySet()) {
      assertThat(read(outputs.resolve(expected.getKey())))
          .as("%s of %s", expected.getKey(), this)
          .containsExactly(expected.getValue(), within(mostUlps * ulp()));
    }
    assertThat(runner.ask("release")).isEqualTo("released");
  }

  /** The distance from 1 to the next number of the type. */
  double ulp() {
    return switch (Types.of(type)) {
      case FLOAT32 -> Math.ulp(1f);
      case FLOAT64 -> Math.ulp(1.0);
      case BFLOAT16 -> 0x1p-7;
      case FLOAT16 -> 0x1p-10;
    };
  }

  /** What the pass computes, by the names of its outputs. */
  Map<String, double[]> expected() {
    if (operation.normalization() != Normalization.BATCH) {
      var in = inputs();
      var all = new ImageOracle(operation, layout, batch, channels, spatial, groups())
          .expected(in.get("x"), in.get("dy"), in.get("gamma"), in.get("beta"));
      all.keySet().retainAll(pass.outputs(operation));
      return all;
    }
    try (var arena = Arena.ofConfined()) {
      var memory = new TreeMap<String, MemorySegment>();
      inputs().forEach((name, values) -> memory.put(name, arena.allocateFrom(ValueLayout.JAVA_DOUBLE, values)));
      for (var name : List.of("y", "dx", "dresidual")) {
        memory.put(name, arena.allocate(memory.get("x").byteSize(), Double.BYTES));
      }
      for (var name : List.of("mean", "variance", "dgamma", "dbeta")) {
        memory.put(name, arena.allocate(memory.get("gamma").byteSize(), Double.BYTES));
      }
      compute(memory);
      var outputs = new TreeMap<String, double[]>();
      pass.outputs(operation).forEach(name -> outputs.put(name, memory.get(name).toArray(ValueLayout.JAVA_DOUBLE)));
      return outputs;
    }
  }

  private void compute(Map<String, MemorySegment> m) {
    var norm = new BatchNormDescriptor(batch, channels, spatial, BatchNormBenchmark.EPSILON, DataType.FLOAT64,
        layout.equals("nhwc") ? Layout.CHANNELS_LAST : Layout.CHANNELS_FIRST, 1);
    var passes = new KernelPasses(Kernels.reference(), operation, norm);
    var residual = m.getOrDefault("residual", MemorySegment.NULL);
    if (pass == Pass.FORWARD_INFERENCE) {
      passes.forwardInference(m.get("x"), residual, m.get("gamma"), m.get("beta"), m.get("running_mean"),
          m.get("running_var"), m.get("y"));
      return;
    }
    passes.forwardTraining(
        m.get("x"), residual, m.get("gamma"), m.get("beta"), m.get("y"), m.get("mean"), m.get("variance"));
    passes.backwardTraining(m.get("x"), residual, m.get("dy"), m.get("gamma"), m.get("beta"), m.get("mean"),
        m.get("variance"), m.get("dx"), operation.hasResidual() ? m.get("dresidual") : MemorySegment.NULL,
        m.get("dgamma"), m.get("dbeta"));
  }
}
