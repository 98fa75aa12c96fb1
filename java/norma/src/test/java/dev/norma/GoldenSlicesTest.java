package dev.norma;

import java.lang.foreign.MemorySegment;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What PyTorch computes in float64 of layer and RMS normalization, and the node tests of ONNX for them. */
class GoldenSlicesTest {
  static Stream<Arguments> layerNorms() {
    return Stream.of("layer_norm_", "onnx_layer_normalization_").flatMap(Golden::withKernels);
  }

  static Stream<Arguments> rmsNorms() {
    return Stream.of("rms_norm_", "onnx_rms_normalization_").flatMap(Golden::withKernels);
  }

  @ParameterizedTest(name = "{0} {1}")
  @MethodSource("layerNorms")
  void layerNorm(Golden golden, Kernels kernels) {
    requireAgreement(golden, kernels, SliceProblem.Kind.LAYER);
  }

  @ParameterizedTest(name = "{0} {1}")
  @MethodSource("rmsNorms")
  void rmsNorm(Golden golden, Kernels kernels) {
    requireAgreement(golden, kernels, SliceProblem.Kind.RMS);
  }

  private static void requireAgreement(Golden golden, Kernels kernels, SliceProblem.Kind kind) {
    var rows = golden.integer("rows");
    try (var problem = kind.of(rows, golden.integer("length"), golden.number("epsilon"), golden.dataType())) {
      problem.fillTensor(problem.x, i -> golden.tensor("x")[(int) i]);
      problem.gamma = parameters(problem, problem.gamma, golden, "gamma");
      problem.beta = parameters(problem, problem.beta, golden, "beta");
      problem.forward(kernels);
      if (problem.hasMean) {
        golden.requireTensor("mean", Problem.doubles(problem.mean), 1);
      }
      golden.requireTensor(problem.hasMean ? "inv_std" : "inv_rms", Problem.doubles(problem.invStd), 1);
      golden.requireTensor("y", values(golden, problem.y), 1);
      if (golden.has("dy")) {
        problem.fillTensor(problem.dy, i -> golden.tensor("dy")[(int) i]);
        problem.backward(kernels);
        golden.requireTensor("dx", values(golden, problem.dx), 1);
        golden.requireTensor("dgamma", values(golden, problem.dgamma), rows);
        if (problem.hasBeta) {
          golden.requireTensor("dbeta", values(golden, problem.dbeta), rows);
        }
      }
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
}
