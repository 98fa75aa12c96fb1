package dev.norma;

import static java.lang.foreign.MemorySegment.NULL;
import static java.lang.foreign.ValueLayout.JAVA_DOUBLE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.LongToDoubleFunction;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Kernels with one wrong value are found out, right ones are not. */
class CheckedKernelsTest {
  private static final double ERROR = 1e-5;

  private final BatchNormDescriptor norm =
      new BatchNormDescriptor(4, 3, 50, 1e-5, DataType.FLOAT32, Layout.CHANNELS_FIRST, 0);
  private final Problem problem = Problem.random(norm, 1, 1e4, 1);

  /** Gradients for which the sum is as large as the sum of the terms' magnitudes: nothing cancels. */
  private void fillGradients(boolean alongX) {
    problem.fill(problem.dy, i -> alongX ? problem.get(problem.x, i) - 1e4 : 4 + (i % 2 == 0 ? 3 : -3));
  }

  @AfterEach
  void close() {
    problem.close();
  }

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

  @ParameterizedTest
  @CsvSource({
    "forwardTraining, y, 4, FLOAT32",
    "forwardTraining, variance, 6, FLOAT64",
    "forwardInference, y, 6, FLOAT32",
    "normalize, y, 6, FLOAT32",
    "backwardTraining, dx, 6, FLOAT32",
    "backwardTraining, dgamma, 7, FLOAT32",
    "backwardTraining, dbeta, 8, FLOAT32",
    "backwardInference, dx, 6, FLOAT32",
    "backwardInference, dgamma, 7, FLOAT32",
    "backwardInference, dbeta, 8, FLOAT32",
    "localStatistics, mean, 2, FLOAT64",
    "localStatistics, variance, 3, FLOAT64",
    "localGradientSums, sumDy, 5, FLOAT64",
    "localGradientSums, sumDyXHat, 6, FLOAT64",
    "gradientInput, dx, 9, FLOAT32",
    "reluForwardTraining, y, 5, FLOAT32",
    "reluForwardTraining, variance, 7, FLOAT64",
    "reluForwardInference, y, 7, FLOAT32",
    "reluBackwardTraining, dx, 8, FLOAT32",
    "reluBackwardTraining, dgamma, 10, FLOAT32",
    "reluBackwardTraining, dbeta, 11, FLOAT32",
    "reluBackwardInference, dx, 8, FLOAT32",
    "reluBackwardInference, dgamma, 10, FLOAT32",
    "reluBackwardInference, dbeta, 11, FLOAT32"
  })
  void anErrorOfOneIn100000IsFound(String operation, String output, int argument, DataType type) {
    fillGradients(output.equals("dgamma") || output.equals("sumDyXHat"));
    var mismatch =
        catchThrowableOfType(
            MismatchException.class, () -> problem.runAll(faulty(operation, argument, type)));
    assertThat(mismatch).as("%s %s", operation, output).isNotNull();
    assertThat(mismatch.operation()).isEqualTo(operation);
    assertThat(mismatch.output()).isEqualTo(output);
    assertThat(Math.abs(mismatch.actual() - mismatch.expected())).isGreaterThan(mismatch.tolerance());
    assertThat(mismatch.actual() / mismatch.expected() - 1).isBetween(0.9 * ERROR, 1.1 * ERROR);
    assertThat(mismatch)
        .hasMessageStartingWith(operation + ": " + output + " differs first at (n=")
        .hasMessageContaining("native " + mismatch.actual())
        .hasMessageContaining("reference " + mismatch.expected())
        .hasMessageContaining("tolerance " + mismatch.tolerance());
  }

  @ParameterizedTest
  @CsvSource({
    "forwardTraining, y, 4", "forwardInference, y, 6", "normalize, y, 6", "backwardTraining, dx, 6",
    "backwardInference, dx, 6", "gradientInput, dx, 9", "reluForwardTraining, y, 5", "reluForwardInference, y, 7",
    "reluBackwardTraining, dx, 8", "reluBackwardInference, dx, 8"
  })
  void threeUnitsInTheLastPlaceOf16BitsAreFound(String operation, String output, int argument) {
    for (var type : new DataType[] {DataType.BFLOAT16, DataType.FLOAT16}) {
      var halves = new BatchNormDescriptor(4, 3, 50, 1e-5, type, Layout.CHANNELS_LAST, 0);
      try (var small = Problem.random(halves, 1, 10, 1)) {
        var wrong = faulty(operation, argument, type);
        var mismatch = catchThrowableOfType(MismatchException.class, () -> small.runAll(wrong));
        assertThat(mismatch).as("%s %s", operation, type).isNotNull();
        assertThat(mismatch.operation()).isEqualTo(operation);
        assertThat(mismatch.output()).isEqualTo(output);
      }
    }
  }

  /** A gradient by the residual is dy or 0: nothing is rounded. */
  @ParameterizedTest
  @CsvSource({"reluBackwardTraining", "reluBackwardInference"})
  void theGradientByTheResidualIsExact(String operation) {
    requireFound(
        "dresidual",
        faulty(operation, 9, DataType.FLOAT32),
        kernels -> {
          problem.reluBackward(kernels, problem.residual, problem.dresidual);
          problem.reluBackwardInference(kernels, problem.residual, problem.dresidual);
        });
  }

  /** Where z is exactly 0 but for rounding, a gradient may pass or not; the sums may have it or not. */
  @Test
  void nobodyCanTellWhatPassesNearZero() {
    problem.fill(problem.runningMean, c -> 1e4);
    problem.fill(problem.runningVar, c -> 1);
    problem.infer(Kernels.reference());
    problem.fill(problem.residual, i -> -problem.get(problem.y, i));
    problem.reluBackwardInference(passing(true), problem.residual, problem.dresidual);
    problem.reluBackwardInference(passing(false), problem.residual, problem.dresidual);
    problem.fill(problem.residual, i -> 1 - problem.get(problem.y, i));
    problem.reluBackwardInference(passing(true), problem.residual, problem.dresidual);
    requireFound("dbeta", passing(false), k -> problem.reluBackwardInference(k, problem.residual, problem.dresidual));
  }

  /** A sum is rounded even where it consists of nothing but terms of which nobody can tell. */
  @ParameterizedTest
  @EnumSource(Layout.class)
  void sumsOfWhatNobodyCanTellAreRoundedLikeOthers(Layout layout) {
    try (var p = Problem.random(new BatchNormDescriptor(1, 1000, 1, 1e-5, DataType.FLOAT32, layout, 0), 0, 1)) {
      p.infer(Kernels.reference());
      p.fill(p.residual, i -> -p.get(p.y, i));
      assertThatCode(() -> p.reluBackwardInference(passing(true), p.residual, NULL)).doesNotThrowAnyException();
      assertThatCode(() -> p.reluBackwardInference(passing(false), p.residual, NULL)).doesNotThrowAnyException();
    }
  }

  /** Kernels for which all gradients pass ReLU, or none. */
  private static Kernels passing(boolean all) {
    var kernels =
        Proxy.newProxyInstance(
            Kernels.class.getClassLoader(),
            new Class<?>[] {Kernels.class},
            (proxy, method, arguments) -> {
              if (!method.getName().startsWith("relu")) {
                return method.invoke(Kernels.nativeKernels(), arguments);
              }
              var large = Arena.ofAuto().allocate(((MemorySegment) arguments[2]).byteSize(), 8);
              for (var i = 0L; i < large.byteSize() / 4; i++) {
                large.setAtIndex(JAVA_FLOAT, i, all ? 1e30f : -1e30f);
              }
              arguments[2] = large;
              return method.invoke(Kernels.nativeKernels(), arguments);
            });
    return new CheckedKernels((Kernels) kernels, new ReferenceKernels());
  }

  @Test
  void thePlaceIsNamed() {
    var wrong = faulty("forwardInference", 6, DataType.FLOAT32);
    problem.fillX((c, i) -> c == 2 && i == 3 * 50 + 17 ? 1e4 + 100 : 1e4);
    assertThat(catchThrowableOfType(MismatchException.class, () -> problem.infer(wrong)))
        .hasMessageContaining("(n=3, c=2, s=17)");
  }

  @ParameterizedTest
  @CsvSource({"runningMean, 6", "runningVar, 7"})
  void aWrongRunningStatisticIsFound(String output, int argument) {
    requireFound(output, faulty("updateRunning", argument, DataType.FLOAT32), this::update);
    assertThatCode(() -> update(Kernels.checked())).doesNotThrowAnyException();
  }

  private void update(Kernels kernels) {
    problem.forward(kernels);
    kernels.updateRunning(
        new RunningRule(0.9, false, true, true),
        norm.dataType(),
        norm.channels(),
        norm.valuesPerChannel(),
        problem.mean,
        problem.variance,
        problem.runningMean,
        problem.runningVar,
        problem.arena.allocate(JAVA_LONG),
        problem.arena.allocate(JAVA_LONG));
  }

  /** Momentum 0, and the first batch of a cumulative average: whatever was there is forgotten. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void anOldValueWithoutWeightIsNotRead(boolean cumulative) {
    problem.forward(Kernels.reference());
    for (var kernels : List.of(Kernels.reference(), Kernels.checked())) {
      problem.fill(problem.runningMean, c -> Double.NaN);
      problem.fill(problem.runningVar, c -> Double.POSITIVE_INFINITY);
      kernels.updateRunning(
          new RunningRule(0, cumulative, false, true),
          norm.dataType(),
          norm.channels(),
          norm.valuesPerChannel(),
          problem.mean,
          problem.variance,
          problem.runningMean,
          problem.runningVar,
          problem.arena.allocate(JAVA_LONG),
          problem.arena.allocate(JAVA_LONG));
      for (var c = 0L; c < norm.channels(); c++) {
        assertThat(problem.get(problem.runningMean, c)).isEqualTo((float) problem.mean.getAtIndex(JAVA_DOUBLE, c));
        assertThat(problem.get(problem.runningVar, c)).isEqualTo((float) problem.variance.getAtIndex(JAVA_DOUBLE, c));
      }
    }
  }

  /** Neither what is refused nor what is not finite differs. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aBatchThatIsNotFiniteIsNoMismatch(boolean refused) {
    for (var value : new double[] {Double.NaN, Double.POSITIVE_INFINITY}) {
      try (var layer =
          BatchNorm.builder(norm.channels()).refuseNonFinite(refused).kernels(Kernels.checked()).build()) {
        problem.fillX((c, i) -> c == 1 && i == 3 ? value : i);
        var x = Tensor.of(problem.x, norm.dataType(), norm.layout(), norm.batch(), norm.channels(), norm.spatial());
        var y = Tensor.of(problem.y, norm.dataType(), norm.layout(), norm.batch(), norm.channels(), norm.spatial());
        assertThatCode(() -> layer.forward(x, y)).doesNotThrowAnyException();
        assertThat(layer.refused()).isEqualTo(refused ? 1 : 0);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"foldedWeights, 10", "foldedBias, 11"})
  void aWrongFoldIsFound(String output, int argument) {
    requireFound(output, faulty("fold", argument, DataType.FLOAT32), this::fold);
    assertThatCode(() -> fold(Kernels.checked())).doesNotThrowAnyException();
  }

  /** A tensor as weights. */
  private void fold(Kernels kernels) {
    kernels.fold(
        norm.dataType(),
        norm.channels(),
        norm.valuesPerChannel(),
        norm.epsilon(),
        problem.x,
        problem.beta,
        problem.gamma,
        problem.beta,
        problem.runningMean,
        problem.runningVar,
        problem.y,
        problem.dbeta);
  }

  @ParameterizedTest
  @CsvSource({"parameter, 4", "velocity, 5"})
  void aWrongStepIsFound(String output, int argument) {
    requireFound(output, faulty("gradientDescentStep", argument, DataType.FLOAT32), this::step);
    assertThatCode(() -> step(Kernels.checked())).doesNotThrowAnyException();
  }

  private void step(Kernels kernels) {
    kernels.gradientDescentStep(
        new GradientDescent(0.1, 0.9, 0.01, true),
        norm.dataType(),
        norm.channels(),
        problem.beta,
        problem.gamma,
        problem.runningVar);
  }

  @ParameterizedTest
  @CsvSource({
    "mergeStatistics, count, 5, FLOAT64",
    "mergeStatistics, mean, 6, FLOAT64",
    "mergeStatistics, variance, 7, FLOAT64",
    "mergeGradientSums, sumDy, 5, FLOAT64",
    "mergeGradientSums, sumDyXHat, 6, FLOAT64"
  })
  void aWrongMergeIsFound(String operation, String output, int argument, DataType type) {
    requireFound(output, faulty(operation, argument, type), this::merge);
    assertThatCode(() -> merge(Kernels.checked())).doesNotThrowAnyException();
  }

  /** Two parts with statistics that are no whole numbers; the count is spoiled as the double with its bits. */
  private void merge(Kernels kernels) {
    var counts = problem.arena.allocateFrom(JAVA_LONG, 1L << 60, 1L << 61);
    var numbers = problem.arena.allocateFrom(JAVA_DOUBLE, 0.1, 0.7, 1.3, 2.9, 3.1, 5.3);
    var count = problem.arena.allocate(JAVA_LONG);
    kernels.mergeStatistics(3, 2, counts, numbers, numbers, count, problem.statistics(), problem.statistics());
    kernels.mergeGradientSums(3, 2, counts, numbers, numbers, problem.statistics(), problem.statistics());
  }

  private static void requireFound(String output, Kernels wrong, Consumer<Kernels> operation) {
    var mismatch = catchThrowableOfType(MismatchException.class, () -> operation.accept(wrong));
    assertThat(mismatch).isNotNull();
    assertThat(mismatch.output()).isEqualTo(output);
  }

  /** Data of which every rounding points the same way, or much is lost beside a few large values. */
  private static final List<LongToDoubleFunction> AWKWARD =
      List.of(
          i -> i % 997 == 0 ? 1e4 : 2.3,
          i -> i % 997 == 0 ? 1e4 : 1e4 * Math.sqrt(0.9 * 0x1p-24),
          i -> i < 500 ? 0 : 0.1,
          i -> 0.1 * i,
          i -> 1.0 / (1 + i),
          i -> i == 5 ? 1 : 5.9e-8,
          i -> i == 0 ? 1e30 : 1,
          i -> Math.exp(i % 80),
          i -> i % 2 == 0 ? 1e38 : -3e38,
          i -> i % 3 == 0 ? 1e-40 : 1e-38,
          i -> 0.1 * (i % 7) + 1e5);

  @ParameterizedTest
  @EnumSource
  void noDataIsRefused(DataType type) {
    for (var shape : new long[][] {{128, 3, 1}, {700, 8, 1}, {2, 2, 2}, {4, 2, 300}, {1, 2, 4500}, {1000, 2, 2}}) {
      for (var layout : Layout.values()) {
        for (var epsilon : new double[] {0, 1e-5}) {
          requireAccepted(new BatchNormDescriptor(shape[0], shape[1], shape[2], epsilon, type, layout, 0));
        }
      }
    }
  }

  private static void requireAccepted(BatchNormDescriptor norm) {
    try (var awkward = new Problem(norm)) {
      awkward.fill(awkward.gamma, c -> 1.7);
      awkward.fill(awkward.runningVar, c -> 2);
      for (var i = 0; i < AWKWARD.size(); i++) {
        awkward.fill(awkward.x, AWKWARD.get(i));
        awkward.fill(awkward.dy, AWKWARD.get((i + 3) % AWKWARD.size()));
        assertThatCode(() -> awkward.runAll(Kernels.checked())).as("%s %s", i, norm).doesNotThrowAnyException();
      }
    }
  }
}
