package dev.norma.benchmarks.run;

import static java.lang.foreign.MemorySegment.NULL;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.norma.BatchNormDescriptor;
import dev.norma.DataType;
import dev.norma.Kernels;
import dev.norma.Layout;
import dev.norma.Tensor;
import dev.norma.benchmarks.Case;
import dev.norma.benchmarks.ImageOracle;
import dev.norma.benchmarks.KernelPasses;
import dev.norma.benchmarks.Normalization;
import dev.norma.benchmarks.Operation;
import dev.norma.benchmarks.Pass;
import dev.norma.benchmarks.Shape;
import dev.norma.benchmarks.Types;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.foreign.Arena;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;

/** A runner of the tests' own, a process whose first argument says how it behaves. */
public final class FakeRunner {
  private static final double CALL = 1000;

  private final String behaviour;
  private String prepared = "";

  private FakeRunner(String behaviour) {
    this.behaviour = behaviour;
  }

  /** Answers until the input ends. */
  public static void main(String[] arguments) throws IOException {
    var runner = new FakeRunner(arguments[0]);
    System.err.println("started");
    boolean isMissing = runner.behaviour.equals("missing");
    System.out.println(isMissing ? "missing,no such library" : "ready,fake 1.0, " + runner.behaviour);
    try (var commands = new BufferedReader(new InputStreamReader(System.in))) {
      for (var line = commands.readLine(); line != null; line = commands.readLine()) {
        System.out.println(runner.answer(line.split(",", -1)));
      }
    }
  }

  private String answer(String[] command) throws IOException {
    return switch (command[0]) {
      case "prepare" -> prepare(command);
      case "time" -> time(command);
      default -> "released";
    };
  }

  private String time(String[] command) {
    if (behaviour.equals("crash")) {
      System.err.println("the library ended the process");
      System.exit(3);
    }
    if (behaviour.equals("babble")) {
      return "42";
    }
    return "%s,%s,%s,".formatted(prepared, command[1], CALL);
  }

  private String prepare(String[] command) throws IOException {
    prepared = String.join(",", Arrays.copyOfRange(command, 1, 10));
    var operation = Operation.of(command[1]);
    var shape = new Shape("", "", operation.normalization(), Long.parseLong(command[5]), Long.parseLong(command[6]),
        Long.parseLong(command[7]), Long.parseLong(command[8]), 1);
    var asked = new Case(operation, Pass.of(command[2]), command[3], command[4], shape, Integer.parseInt(command[9]));
    switch (behaviour) {
      case "unsupported" -> {
        return "unsupported,no " + asked.type();
      }
      case "fail" -> {
        return "failed,not today";
      }
      case "slow" -> {
        write(asked, Path.of(command[10]), command[11], 0);
        return "prepared,1e9";
      }
      default -> {
        write(asked, Path.of(command[10]), command[11], behaviour.equals("wrong") ? 1 : 0);
        return "prepared," + CALL;
      }
    }
  }

  /** Writes what the pass computes, plus an error. */
  private void write(Case asked, Path inputs, String outputs, double error) throws IOException {
    if (outputs.isEmpty()) {
      return;
    }
    try (var arena = Arena.ofShared()) {
      var in = new Files(arena, asked, inputs);
      var out = new Files(arena, asked, Path.of(outputs));
      if (behaviour.equals("copy")) {
        copy(asked, in, out);
      } else if (asked.shape().normalization() != Normalization.BATCH) {
        computeImages(asked, in, out);
      } else {
        compute(asked, in, out);
      }
      var first = out.tensor(asked.outputs().getFirst());
      first.set(0, first.get(0) + error);
    }
  }

  private static void copy(Case asked, Files in, Files out) throws IOException {
    boolean backward = asked.pass() == Pass.BACKWARD_TRAINING;
    var x = in.tensor("x").segment();
    var other = backward ? in.tensor("dy").segment() : x;
    var to = out.tensor(backward ? "dx" : "y").segment();
    for (long i = 0; i < to.byteSize(); i++) {
      to.set(JAVA_BYTE, i, (byte) (x.get(JAVA_BYTE, i) & other.get(JAVA_BYTE, i)));
    }
  }

  private static void compute(Case asked, Files in, Files out) throws IOException {
    var norm = BatchNormDescriptor.of(in.tensor("x"), Inputs.EPSILON, 1);
    var mean = in.statistics();
    var variance = in.statistics();
    var passes = new KernelPasses(Kernels.reference(), asked.operation(), norm);
    boolean hasResidual = asked.operation().hasResidual();
    var x = in.tensor("x").segment();
    var residual = hasResidual ? in.tensor("residual").segment() : NULL;
    var gamma = in.parameters("gamma").segment();
    var beta = in.parameters("beta").segment();
    Kernels.reference().localStatistics(norm, x, mean.segment(), variance.segment(), NULL);
    switch (asked.pass()) {
      case FORWARD_TRAINING -> passes.forwardTraining(
          x, residual, gamma, beta, out.tensor("y").segment(), mean.segment(), variance.segment());
      case FORWARD_INFERENCE -> passes.forwardInference(x, residual, gamma, beta,
          in.parameters("running_mean").segment(), in.parameters("running_var").segment(), out.tensor("y").segment());
      case BACKWARD_TRAINING -> passes.backwardTraining(x, residual, in.tensor("dy").segment(), gamma, beta,
          mean.segment(), variance.segment(), out.tensor("dx").segment(),
          hasResidual ? out.tensor("dresidual").segment() : NULL, out.parameters("dgamma").segment(),
          out.parameters("dbeta").segment());
    }
  }

  private static void computeImages(Case asked, Files in, Files out) throws IOException {
    var shape = asked.shape();
    var oracle = new ImageOracle(asked.operation(), asked.layout(), (int) shape.batch(), (int) shape.channels(),
        (int) shape.spatial(), (int) shape.groups());
    var expected = oracle.expected(in.tensor("x").toDoubles(), in.tensor("dy").toDoubles(),
        in.parameters("gamma").toDoubles(), in.parameters("beta").toDoubles());
    for (var name : asked.outputs()) {
      var output = name.equals("y") || name.equals("dx") ? out.tensor(name) : out.parameters(name);
      output.copyFrom(expected.get(name));
    }
  }

  /** The files of a folder as tensors. */
  private record Files(Arena arena, Case asked, Path folder) {
    Tensor tensor(String name) throws IOException {
      return map(name, Types.of(asked.type()), asked.shape().batch(), asked.shape().channels(),
          asked.shape().spatial());
    }

    Tensor parameters(String name) throws IOException {
      return map(name, Types.of(asked.type()).parameterType(), 1, asked.shape().channels());
    }

    Tensor statistics() {
      return Tensor.allocate(arena, DataType.FLOAT64, Layout.CHANNELS_FIRST, 1, asked.shape().channels());
    }

    private Tensor map(String name, DataType type, long... extents) throws IOException {
      var layout = asked.layout().equals("nhwc") ? Layout.CHANNELS_LAST : Layout.CHANNELS_FIRST;
      long bytes = type.bytes();
      for (var extent : extents) {
        bytes *= extent;
      }
      try (var channel = FileChannel.open(folder.resolve(name),
          StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
        return Tensor.of(channel.map(FileChannel.MapMode.READ_WRITE, 0, bytes, arena), type, layout, extents);
      }
    }
  }
}
