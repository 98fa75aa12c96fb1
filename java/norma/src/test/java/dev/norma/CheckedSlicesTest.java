package dev.norma;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.lang.foreign.MemorySegment;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Kernels with one wrong value of a normalization of slices are found out; that right ones are not, others show. */
class CheckedSlicesTest {
  private static final double ERROR = 1e-5;

  /** The native kernels, but for a relative error in the largest value of an argument of one operation. */
  private static Kernels faulty(String operation, int argument, DataType type) {
    var wrong =
        Proxy.newProxyInstance(
            Kernels.class.getClassLoader(),
            new Class<?>[] {Kernels.class},
            (proxy, method, arguments) -> {
              try {
                var result = method.invoke(Kernels.nativeKernels(), arguments);
                if (method.getName().equals(operation)) {
                  spoil((MemorySegment) arguments[argument], type);
                }
                return result;
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
    return new CheckedKernels((Kernels) wrong, new ReferenceKernels());
  }

  /** An error of 1e-5; in 16 bits, of three units in the last place and more. */
  private static void spoil(MemorySegment output, DataType type) {
    var largest = 0L;
    for (var i = 0L; i < output.byteSize() / type.bytes(); i++) {
      if (Math.abs(type.get(output, i)) > Math.abs(type.get(output, largest))) {
        largest = i;
      }
    }
    type.set(output, largest, type.get(output, largest) * (1 + Math.max(ERROR, 3.5 * type.epsilon())));
  }

  /** Gradients for which the sums are as large as the sums of the terms' magnitudes: nothing cancels. */
  private static void fillGradients(SliceProblem problem, boolean alongX) {
    problem.fillTensor(
        problem.dy, i -> alongX ? problem.value(problem.x, i) - 100 : 4 + (i % 2 == 0 ? 3 : -3));
  }

  @ParameterizedTest
  @CsvSource({
    "LAYER, layerNormForward, y, 4, FLOAT32",
    "LAYER, layerNormForward, mean, 5, FLOAT64",
    "LAYER, layerNormForward, invStd, 6, FLOAT64",
    "LAYER, layerNormBackward, dx, 6, FLOAT32",
    "LAYER, layerNormBackward, dgamma, 7, FLOAT32",
    "LAYER, layerNormBackward, dbeta, 8, FLOAT32",
    "RMS, rmsNormForward, y, 3, FLOAT32",
    "RMS, rmsNormForward, invRms, 4, FLOAT64",
    "RMS, rmsNormBackward, dx, 5, FLOAT32",
    "RMS, rmsNormBackward, dgamma, 6, FLOAT32",
    "GROUP_CHANNELS_FIRST, groupNormForward, y, 4, FLOAT32",
    "GROUP_CHANNELS_LAST, groupNormForward, mean, 5, FLOAT64",
    "GROUP_CHANNELS_FIRST, groupNormForward, variance, 6, FLOAT64",
    "INSTANCE_CHANNELS_LAST, groupNormForward, invStd, 7, FLOAT64",
    "GROUP_CHANNELS_FIRST, groupNormBackward, dx, 6, FLOAT32",
    "INSTANCE_CHANNELS_FIRST, groupNormBackward, dgamma, 7, FLOAT32",
    "GROUP_CHANNELS_LAST, groupNormBackward, dbeta, 8, FLOAT32"
  })
  void anErrorOfOneIn100000IsFound(
      SliceProblem.Kind kind, String operation, String output, int argument, DataType type) {
    try (var problem = kind.of(9, 50, 1e-5, DataType.FLOAT32).fill(100, 1)) {
      fillGradients(problem, output.equals("dgamma") && problem.hasMean);
      var wrong = faulty(operation, argument, type);
      var mismatch = catchThrowableOfType(MismatchException.class, () -> problem.run(wrong));
      assertThat(mismatch).as("%s %s", operation, output).isNotNull();
      assertThat(mismatch.operation()).isEqualTo(operation);
      assertThat(mismatch.output()).isEqualTo(output);
      assertThat(Math.abs(mismatch.actual() - mismatch.expected())).isGreaterThan(mismatch.tolerance());
      assertThat(mismatch.actual() / mismatch.expected() - 1).isBetween(0.8 * ERROR, 1.2 * ERROR);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "LAYER, layerNormForward, y, 4", "LAYER, layerNormBackward, dx, 6", "RMS, rmsNormForward, y, 3",
    "RMS, rmsNormBackward, dx, 5", "GROUP_CHANNELS_FIRST, groupNormForward, y, 4",
    "GROUP_CHANNELS_LAST, groupNormBackward, dx, 6"
  })
  void threeUnitsInTheLastPlaceOf16BitsAreFound(
      SliceProblem.Kind kind, String operation, String output, int argument) {
    for (var type : new DataType[] {DataType.BFLOAT16, DataType.FLOAT16}) {
      try (var problem = kind.of(9, 50, 1e-5, type).fill(10, 1)) {
        var wrong = faulty(operation, argument, type);
        var mismatch = catchThrowableOfType(MismatchException.class, () -> problem.run(wrong));
        assertThat(mismatch).as("%s %s", operation, type).isNotNull();
        assertThat(mismatch.operation()).isEqualTo(operation);
        assertThat(mismatch.output()).isEqualTo(output);
      }
    }
  }

  /** A wrong inverse deviation is found although the caller does not want it. */
  @ParameterizedTest
  @CsvSource({"LAYER, layerNormForward, 6", "RMS, rmsNormForward, 4", "GROUP_CHANNELS_FIRST, groupNormForward, 7"})
  void statisticsThatAreNotWantedAreCompared(SliceProblem.Kind kind, String operation, int argument) {
    try (var problem = kind.of(9, 50, 1e-5, DataType.FLOAT32).fill(100, 1)) {
      problem.mean = MemorySegment.NULL;
      problem.variance = MemorySegment.NULL;
      problem.invStd = MemorySegment.NULL;
      var wrong = faulty(operation, argument, DataType.FLOAT64);
      assertThat(catchThrowableOfType(MismatchException.class, () -> problem.forward(wrong))).isNotNull();
    }
  }

  @ParameterizedTest
  @CsvSource({
    "LAYER, layerNormForward, 4, FLOAT32, '(row=2, element=7)'",
    "RMS, rmsNormForward, 3, FLOAT32, '(row=2, element=7)'",
    "LAYER, layerNormForward, 6, FLOAT64, '(row='",
    "LAYER, layerNormBackward, 7, FLOAT32, '(element='",
    "INSTANCE_CHANNELS_FIRST, groupNormForward, 4, FLOAT32, '(n=0, c=2, s=7)'",
    "GROUP_CHANNELS_FIRST, groupNormForward, 7, FLOAT64, '(n='",
    "GROUP_CHANNELS_FIRST, groupNormBackward, 8, FLOAT32, '(c='"
  })
  void thePlaceIsNamed(SliceProblem.Kind kind, String operation, int argument, DataType type, String place) {
    try (var problem = kind.of(9, 50, 1e-5, DataType.FLOAT32).fill(1, 1)) {
      problem.fillParameters(problem.gamma, l -> 1);
      problem.fillTensor(problem.x, i -> i == 2 * 50 + 7 ? 50 : problem.value(problem.dy, i));
      fillGradients(problem, true);
      var wrong = faulty(operation, argument, type);
      assertThat(catchThrowableOfType(MismatchException.class, () -> problem.run(wrong)))
          .hasMessageContaining(" differs first at " + place);
    }
  }
}
