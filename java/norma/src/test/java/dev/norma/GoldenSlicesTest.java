package dev.norma;

import static java.lang.foreign.ValueLayout.JAVA_DOUBLE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What PyTorch computes in float64 of rows, groups and instances, and the node tests of ONNX for them. */
class GoldenSlicesTest {
  static Stream<Arguments> layerNorms() {
    return Stream.of("layer_norm_", "onnx_layer_normalization_").flatMap(Golden::withKernels);
  }

  static Stream<Arguments> rmsNorms() {
    return Stream.of("rms_norm_", "onnx_rms_normalization_").flatMap(Golden::withKernels);
  }

  static Stream<Arguments> groupNorms() {
    return Stream.of("group_norm_", "onnx_group_normalization_", "instance_norm_", "onnx_instancenorm_")
        .flatMap(Golden::withKernels);
  }

  static Stream<Arguments> instanceNorms() {
    return Golden.withKernels("instance_norm_");
  }

  @ParameterizedTest(name = "{0} {1}")
  @MethodSource("layerNorms")
  void layerNorm(Golden golden, Kernels kernels) {
    requireAgreement(golden, kernels, rows(golden, SliceProblem.Kind.LAYER), golden.integer("rows"));
  }

  @ParameterizedTest(name = "{0} {1}")
  @MethodSource("rmsNorms")
  void rmsNorm(Golden golden, Kernels kernels) {
    requireAgreement(golden, kernels, rows(golden, SliceProblem.Kind.RMS), golden.integer("rows"));
  }

  private static SliceProblem rows(Golden golden, SliceProblem.Kind kind) {
    return kind.of(golden.integer("rows"), golden.integer("length"), golden.number("epsilon"), golden.dataType());
  }

  @ParameterizedTest(name = "{0} {1}")
  @MethodSource("groupNorms")
  void groupNorm(Golden golden, Kernels kernels) {
    var norm =
        new GroupNormDescriptor(
            golden.integer("n"),
            golden.integer("c"),
            golden.integer("s"),
            golden.integer("groups"),
            golden.number("epsilon"),
            golden.dataType(),
            golden.layout(),
            0);
    requireAgreement(golden, kernels, new SliceProblem(norm), norm.batch() * norm.spatial());
  }

  /** A sum over slices has so many terms. */
  private static void requireAgreement(Golden golden, Kernels kernels, SliceProblem problem, long terms) {
    try (problem) {
      problem.fillTensor(problem.x, i -> golden.tensor("x")[(int) i]);
      problem.gamma = parameters(problem, problem.gamma, golden, "gamma");
      problem.beta = parameters(problem, problem.beta, golden, "beta");
      problem.forward(kernels);
      if (problem.hasMean) {
        golden.requireTensor("mean", Problem.doubles(problem.mean), 1);
      }
      if (problem.hasVariance) {
        golden.requireTensor("variance", Problem.doubles(problem.variance), 1);
      }
      golden.requireTensor(problem.hasMean ? "inv_std" : "inv_rms", Problem.doubles(problem.invStd), 1);
      golden.requireTensor("y", values(golden, problem.y), 1);
      if (golden.has("dy")) {
        problem.fillTensor(problem.dy, i -> golden.tensor("dy")[(int) i]);
        problem.backward(kernels);
        requireGradients(golden, problem, terms);
      }
    }
  }

  private static void requireGradients(Golden golden, SliceProblem problem, long terms) {
    golden.requireTensor("dx", values(golden, problem.dx), 1);
    golden.requireTensor("dgamma", values(golden, problem.dgamma), terms);
    if (problem.hasBeta) {
      golden.requireTensor("dbeta", values(golden, problem.dbeta), terms);
    }
  }

  /** NULL where the file has none. */
  private static MemorySegment parameters(SliceProblem problem, MemorySegment array, Golden golden, String name) {
    if (!golden.has(name)) {
      return MemorySegment.NULL;
    }
    problem.fillParameters(array, i -> golden.tensor(name)[(int) i]);
    return array;
  }

  /** Of float or double, as which tensors and parameters are the same. */
  private static double[] values(Golden golden, MemorySegment array) {
    var type = golden.dataType();
    var values = new double[Math.toIntExact(array.byteSize() / type.bytes())];
    for (var i = 0; i < values.length; i++) {
      values[i] = type.get(array, i);
    }
    return values;
  }

  /** Running statistics follow the averages over the images, and round once to the data type. */
  @ParameterizedTest(name = "{0} {1}")
  @MethodSource("instanceNorms")
  void runningStatistics(Golden golden, Kernels kernels) {
    var rule = new RunningRule(golden.number("momentum"), false, golden.integer("unbiased") == 1, false);
    try (var problem = GoldenVectorsTest.problem(golden, golden.integer("n"))) {
      var norm = problem.norm;
      kernels.instanceNormAverageStatistics(
          norm.batch(),
          norm.channels(),
          doubles(problem.arena, golden.tensor("mean")),
          doubles(problem.arena, golden.tensor("variance")),
          problem.mean,
          problem.variance);
      kernels.updateRunning(
          rule,
          golden.dataType(),
          norm.channels(),
          norm.spatial(),
          problem.mean,
          problem.variance,
          problem.runningMean,
          problem.runningVar,
          problem.arena.allocate(JAVA_LONG),
          problem.arena.allocate(JAVA_LONG));
      golden.requireTensor("running_mean", problem.values(problem.runningMean), 1);
      golden.requireTensor("running_var", problem.values(problem.runningVar), 1);
    }
  }

  private static MemorySegment doubles(Arena arena, double[] values) {
    return arena.allocateFrom(JAVA_DOUBLE, values);
  }
}
