package dev.norma;

import static java.lang.foreign.ValueLayout.JAVA_DOUBLE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.function.IntConsumer;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What PyTorch computes in float64 of batch normalization and gradient descent. */
class GoldenVectorsTest {
  static Stream<Arguments> batchNorms() {
    return Golden.withKernels("batch_norm_");
  }

  static Stream<Arguments> splits() {
    return Golden.withKernels("split_");
  }

  static Stream<Arguments> instanceNorms() {
    return Golden.withKernels("instance_norm_");
  }

  static Stream<Arguments> descents() {
    return Golden.withKernels("gradient_descent_");
  }

  @ParameterizedTest(name = "{0} {1}")
  @MethodSource({"batchNorms", "splits"})
  void training(Golden golden, Kernels kernels) {
    try (var problem = problem(golden, golden.integer("n"))) {
      var gamma = golden.has("gamma") ? problem.gamma : MemorySegment.NULL;
      var beta = golden.has("beta") ? problem.beta : MemorySegment.NULL;
      var norm = problem.norm;
      var scratch = problem.workspace(kernels);
      kernels.forwardTraining(norm, problem.x, gamma, beta, problem.y, problem.mean, problem.variance, scratch);
      golden.requireTensor("mean", Problem.doubles(problem.mean), 1);
      golden.requireTensor("variance", Problem.doubles(problem.variance), 1);
      golden.requireTensor("y", problem.values(problem.y), 1);
      kernels.backwardTraining(
          norm,
          problem.x,
          problem.dy,
          gamma,
          problem.mean,
          problem.variance,
          problem.dx,
          problem.dgamma,
          problem.dbeta,
          scratch);
      requireGradients(golden, problem, "");
    }
  }

  /** By running statistics, instance normalization is batch normalization. */
  @ParameterizedTest(name = "{0} {1}")
  @MethodSource({"batchNorms", "splits", "instanceNorms"})
  void inference(Golden golden, Kernels kernels) {
    try (var problem = problem(golden, golden.integer("n"))) {
      var gamma = golden.has("gamma") ? problem.gamma : MemorySegment.NULL;
      var beta = golden.has("beta") ? problem.beta : MemorySegment.NULL;
      var norm = problem.norm;
      var scratch = problem.workspace(kernels);
      kernels.forwardInference(
          norm, problem.x, gamma, beta, problem.runningMean, problem.runningVar, problem.y, scratch);
      golden.requireTensor("y_inference", problem.values(problem.y), 1);
      kernels.backwardInference(
          norm,
          problem.x,
          problem.dy,
          gamma,
          problem.runningMean,
          problem.runningVar,
          problem.dx,
          problem.dgamma,
          problem.dbeta,
          scratch);
      requireGradients(golden, problem, "_inference");
    }
  }

  private static void requireGradients(Golden golden, Problem problem, String suffix) {
    var count = problem.norm.valuesPerChannel();
    golden.requireTensor("dbeta" + suffix, problem.values(problem.dbeta), count);
    golden.requireTensor("dgamma" + suffix, problem.values(problem.dgamma), count);
    golden.requireTensor("dx" + suffix, problem.values(problem.dx), 1);
  }

  static Problem problem(Golden golden, long n) {
    var norm =
        new BatchNormDescriptor(
            n,
            golden.integer("c"),
            golden.integer("s"),
            golden.number("epsilon"),
            golden.dataType(),
            golden.layout(),
            0);
    var problem = new Problem(norm);
    problem.fill(problem.x, i -> golden.tensor("x")[(int) i]);
    problem.fill(problem.dy, i -> golden.tensor("dy")[(int) i]);
    if (golden.has("gamma")) {
      problem.fill(problem.gamma, i -> golden.tensor("gamma")[(int) i]);
    }
    if (golden.has("beta")) {
      problem.fill(problem.beta, i -> golden.tensor("beta")[(int) i]);
    }
    problem.fill(problem.runningMean, i -> golden.tensor("running_mean0")[(int) i]);
    problem.fill(problem.runningVar, i -> golden.tensor("running_var0")[(int) i]);
    return problem;
  }

  /** The update rounds once to the data type. */
  @ParameterizedTest(name = "{0} {1}")
  @MethodSource("batchNorms")
  void runningStatistics(Golden golden, Kernels kernels) {
    var rule = new RunningRule(golden.number("momentum"), false, golden.integer("unbiased") == 1, false);
    try (var problem = problem(golden, golden.integer("n"))) {
      MemorySegment.copy(golden.tensor("mean"), 0, problem.mean, JAVA_DOUBLE, 0, golden.tensor("mean").length);
      MemorySegment.copy(
          golden.tensor("variance"), 0, problem.variance, JAVA_DOUBLE, 0, golden.tensor("variance").length);
      var batches = problem.arena.allocate(JAVA_LONG);
      kernels.updateRunning(
          rule,
          golden.dataType(),
          problem.norm.channels(),
          problem.norm.valuesPerChannel(),
          problem.mean,
          problem.variance,
          problem.runningMean,
          problem.runningVar,
          batches,
          problem.arena.allocate(JAVA_LONG));
      golden.requireTensor("running_mean", problem.values(problem.runningMean), 1);
      golden.requireTensor("running_var", problem.values(problem.runningVar), 1);
      assertThat(batches.get(JAVA_LONG, 0)).isEqualTo(1);
    }
  }

  /** A batch in parts gives the statistics and sums of the whole; parts without values are not computed. */
  @ParameterizedTest(name = "{0} {1}")
  @MethodSource("splits")
  void parts(Golden golden, Kernels kernels) {
    try (var parts = new Parts(golden, kernels)) {
      parts.computeStatistics();
      golden.requireTensor("mean", Problem.doubles(parts.mean), 1);
      golden.requireTensor("variance", Problem.doubles(parts.variance), 1);
      parts.computeSums();
      golden.requireTensor("dbeta", Problem.doubles(parts.sumDy), parts.count());
      golden.requireTensor("dgamma", Problem.doubles(parts.sumDyXHat), parts.count());
      golden.requireTensor("dx", parts.gradientInput(), 1);
      golden.requireTensor("y", parts.normalize(), 1);
    }
  }

  @ParameterizedTest(name = "{0} {1}")
  @MethodSource("descents")
  void gradientDescent(Golden golden, Kernels kernels) {
    var length = (int) golden.integer("length");
    var type = golden.dataType();
    var rule =
        new GradientDescent(
            golden.number("learning_rate"),
            golden.number("momentum"),
            golden.number("weight_decay"),
            golden.integer("nesterov") == 1);
    try (var arena = Arena.ofConfined()) {
      var parameter = arena.allocate(type.valueLayout(), length);
      var gradient = arena.allocate(type.valueLayout(), length);
      var velocity = rule.momentum() > 0 ? arena.allocate(type.valueLayout(), length) : MemorySegment.NULL;
      for (var i = 0; i < length; i++) {
        type.set(parameter, i, golden.tensor("parameter0")[i]);
      }
      for (var step = 0; step < golden.integer("steps"); step++) {
        for (var i = 0; i < length; i++) {
          type.set(gradient, i, golden.tensor("gradients")[step * length + i]);
        }
        kernels.gradientDescentStep(rule, type, length, gradient, parameter, velocity);
        requireStep(golden, "parameters", step, parameter);
        if (rule.momentum() > 0) {
          requireStep(golden, "velocities", step, velocity);
        }
      }
    }
  }

  /** Values are below 8. PyTorch rounds after each of at most 6 operations of a step, Norma once, and both add up. */
  private static void requireStep(Golden golden, String name, int step, MemorySegment found) {
    var tolerance = golden.integer("exact") == 1 ? 0 : 7 * (step + 1) * 8 * golden.dataType().epsilon() / 2;
    for (var i = 0; i < golden.integer("length"); i++) {
      var expected = golden.tensor(name)[(int) (step * golden.integer("length") + i)];
      assertThat(Math.abs(golden.dataType().get(found, i) - expected))
          .as("%s[%d] after step %d", name, i, step)
          .isLessThanOrEqualTo(tolerance);
    }
  }

  /** A batch that is cut along N. */
  private static final class Parts implements AutoCloseable {
    private final Golden golden;
    private final Kernels kernels;
    private final Problem whole;
    private final int parts;
    private final MemorySegment counts;
    private final MemorySegment means;
    private final MemorySegment variances;
    private final MemorySegment sumsDy;
    private final MemorySegment sumsDyXHat;
    private final MemorySegment total;
    final MemorySegment mean;
    final MemorySegment variance;
    final MemorySegment sumDy;
    final MemorySegment sumDyXHat;

    Parts(Golden golden, Kernels kernels) {
      this.golden = golden;
      this.kernels = kernels;
      whole = problem(golden, golden.integer("n"));
      parts = golden.tensor("part_n").length;
      counts = whole.arena.allocate(JAVA_LONG, parts);
      means = perPart();
      variances = perPart();
      sumsDy = perPart();
      sumsDyXHat = perPart();
      total = whole.arena.allocate(JAVA_LONG);
      mean = whole.statistics();
      variance = whole.statistics();
      sumDy = whole.statistics();
      sumDyXHat = whole.statistics();
      for (var part = 0; part < parts; part++) {
        counts.setAtIndex(JAVA_LONG, part, batch(part) * whole.norm.spatial());
      }
    }

    private MemorySegment perPart() {
      var values = whole.arena.allocate(parts * whole.norm.statisticsBytes(), Double.BYTES);
      for (var i = 0L; i < parts * whole.norm.channels(); i++) {
        values.setAtIndex(JAVA_DOUBLE, i, Double.NaN);
      }
      return values;
    }

    private long batch(int part) {
      return (long) golden.tensor("part_n")[part];
    }

    long count() {
      return total.get(JAVA_LONG, 0);
    }

    private BatchNormDescriptor norm(int part) {
      var norm = whole.norm;
      return new BatchNormDescriptor(
          batch(part), norm.channels(), norm.spatial(), norm.epsilon(), norm.dataType(), norm.layout(), 0);
    }

    private MemorySegment slice(MemorySegment tensor, int part) {
      var sample = whole.norm.tensorBytes() / whole.norm.batch();
      var before = 0L;
      for (var i = 0; i < part; i++) {
        before += batch(i);
      }
      return tensor.asSlice(before * sample, batch(part) * sample);
    }

    private MemorySegment row(MemorySegment perPart, int part) {
      return perPart.asSlice(part * whole.norm.statisticsBytes(), whole.norm.statisticsBytes());
    }

    private void forEachPart(IntConsumer action) {
      for (var part = 0; part < parts; part++) {
        if (batch(part) > 0) {
          action.accept(part);
        }
      }
    }

    void computeStatistics() {
      forEachPart(
          part ->
              kernels.localStatistics(
                  norm(part),
                  slice(whole.x, part),
                  row(means, part),
                  row(variances, part),
                  MemorySegment.NULL));
      kernels.mergeStatistics(
          whole.norm.channels(), parts, counts, means, variances, total, mean, variance);
      assertThat(count()).isEqualTo(whole.norm.valuesPerChannel());
    }

    void computeSums() {
      forEachPart(
          part ->
              kernels.localGradientSums(
                  norm(part),
                  slice(whole.x, part),
                  slice(whole.dy, part),
                  mean,
                  variance,
                  row(sumsDy, part),
                  row(sumsDyXHat, part),
                  MemorySegment.NULL));
      kernels.mergeGradientSums(
          whole.norm.channels(), parts, counts, sumsDy, sumsDyXHat, sumDy, sumDyXHat);
    }

    double[] gradientInput() {
      forEachPart(
          part ->
              kernels.gradientInput(
                  norm(part),
                  slice(whole.x, part),
                  slice(whole.dy, part),
                  whole.gamma,
                  mean,
                  variance,
                  count(),
                  sumDy,
                  sumDyXHat,
                  slice(whole.dx, part),
                  MemorySegment.NULL));
      return whole.values(whole.dx);
    }

    double[] normalize() {
      forEachPart(
          part ->
              kernels.normalize(
                  norm(part),
                  slice(whole.x, part),
                  whole.gamma,
                  whole.beta,
                  mean,
                  variance,
                  slice(whole.y, part),
                  MemorySegment.NULL));
      return whole.values(whole.y);
    }

    @Override
    public void close() {
      whole.close();
    }
  }
}
