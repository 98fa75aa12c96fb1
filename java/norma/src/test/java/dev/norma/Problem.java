package dev.norma;

import static java.lang.foreign.ValueLayout.JAVA_DOUBLE;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.HashSet;
import java.util.Objects;
import java.util.Set;
import java.util.function.LongToDoubleFunction;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/** The inputs and outputs of all operations on one shape. */
final class Problem implements AutoCloseable {
  final BatchNormDescriptor norm;
  final Arena arena = Arena.ofConfined();
  final MemorySegment x;
  final MemorySegment residual;
  final MemorySegment dy;
  final MemorySegment gamma;
  final MemorySegment beta;
  final MemorySegment runningMean;
  final MemorySegment runningVar;
  final MemorySegment y;
  final MemorySegment dx;
  final MemorySegment dresidual;
  final MemorySegment dgamma;
  final MemorySegment dbeta;
  final MemorySegment mean;
  final MemorySegment variance;
  private final Set<Long> parameterArrays = new HashSet<>();

  Problem(BatchNormDescriptor norm) {
    this.norm = norm;
    x = tensor();
    residual = tensor();
    dy = tensor();
    y = tensor();
    dx = tensor();
    dresidual = tensor();
    gamma = parameters();
    beta = parameters();
    runningMean = parameters();
    runningVar = parameters();
    dgamma = parameters();
    dbeta = parameters();
    mean = statistics();
    variance = statistics();
  }

  /** Values about a mean, residuals about 0, gradients about 0.1, gamma and beta in -1.5 to 1.5. */
  static Problem random(BatchNormDescriptor norm, long seed, double mean, double deviation) {
    var problem = new Problem(norm);
    var random = generator(seed);
    problem.fill(problem.x, i -> mean + deviation * random.nextGaussian());
    problem.fill(problem.dy, i -> 0.1 + random.nextGaussian());
    problem.fill(problem.gamma, i -> random.nextDouble(-1.5, 1.5));
    problem.fill(problem.beta, i -> random.nextDouble(-1.5, 1.5));
    problem.fill(problem.runningMean, i -> mean + deviation * random.nextDouble(-1, 1));
    problem.fill(problem.runningVar, i -> deviation * deviation * random.nextDouble(0.5, 2));
    problem.fill(problem.residual, i -> random.nextGaussian());
    return problem;
  }

  /** Values that each descriptor has for its own, the same in every run, which the hash of an enum would not give. */
  static Problem random(BatchNormDescriptor norm, double mean, double deviation) {
    var kind = DataType.values().length * norm.layout().ordinal() + norm.dataType().ordinal();
    return random(norm, Objects.hash(norm.batch(), norm.channels(), norm.spatial(), kind), mean, deviation);
  }

  static RandomGenerator generator(long seed) {
    return RandomGeneratorFactory.of("Xoshiro256PlusPlus").create(seed);
  }

  MemorySegment tensor() {
    return arena.allocate(norm.tensorBytes(), Double.BYTES);
  }

  MemorySegment parameters() {
    var array = arena.allocate(norm.parameterBytes(), Double.BYTES);
    parameterArrays.add(array.address());
    return array;
  }

  private DataType typeOf(MemorySegment segment) {
    return parameterArrays.contains(segment.address()) ? norm.dataType().parameterType() : norm.dataType();
  }

  MemorySegment statistics() {
    return arena.allocate(norm.statisticsBytes(), Double.BYTES);
  }

  /** Sets each element of a tensor or a parameter array. */
  void fill(MemorySegment segment, LongToDoubleFunction values) {
    var type = typeOf(segment);
    for (var i = 0L; i < segment.byteSize() / type.bytes(); i++) {
      type.set(segment, i, values.applyAsDouble(i));
    }
  }

  /** Sets each element of x by its place. */
  void fillX(Values values) {
    fill(x, values);
  }

  /** Sets each element of dy by its place. */
  void fillDy(Values values) {
    fill(dy, values);
  }

  /** Sets each element of the residual by its place. */
  void fillResidual(Values values) {
    fill(residual, values);
  }

  private void fill(MemorySegment tensor, Values values) {
    for (var c = 0L; c < norm.channels(); c++) {
      for (var n = 0L; n < norm.batch(); n++) {
        for (var s = 0L; s < norm.spatial(); s++) {
          norm.dataType().set(tensor, norm.index(n, c, s), values.at(c, n * norm.spatial() + s));
        }
      }
    }
  }

  /** The value of a channel at position i = 0 .. M - 1, counted over n, then s. */
  interface Values {
    double at(long c, long i);
  }

  void forward(Kernels kernels) {
    kernels.forwardTraining(norm, x, gamma, beta, y, mean, variance, workspace(kernels));
  }

  void infer(Kernels kernels) {
    kernels.forwardInference(norm, x, gamma, beta, runningMean, runningVar, y, workspace(kernels));
  }

  void backward(Kernels kernels) {
    kernels.backwardTraining(norm, x, dy, gamma, mean, variance, dx, dgamma, dbeta, workspace(kernels));
  }

  void backwardInference(Kernels kernels) {
    kernels.backwardInference(
        norm, x, dy, gamma, runningMean, runningVar, dx, dgamma, dbeta, workspace(kernels));
  }

  /** With ReLU; {@code added} and {@code dadded} are the residual and its gradient, or NULL. */
  void reluForward(Kernels kernels, MemorySegment added) {
    kernels.reluForwardTraining(norm, x, added, gamma, beta, y, mean, variance, workspace(kernels));
  }

  void reluInfer(Kernels kernels, MemorySegment added) {
    kernels.reluForwardInference(norm, x, added, gamma, beta, runningMean, runningVar, y, workspace(kernels));
  }

  void reluBackward(Kernels kernels, MemorySegment added, MemorySegment dadded) {
    kernels.reluBackwardTraining(
        norm, x, added, dy, gamma, beta, mean, variance, dx, dadded, dgamma, dbeta, workspace(kernels));
  }

  void reluBackwardInference(Kernels kernels, MemorySegment added, MemorySegment dadded) {
    kernels.reluBackwardInference(
        norm, x, added, dy, gamma, beta, runningMean, runningVar, dx, dadded, dgamma, dbeta, workspace(kernels));
  }

  /** All operations with ReLU, without a residual and with it. */
  void runAllWithRelu(Kernels kernels) {
    var none = MemorySegment.NULL;
    if (norm.valuesPerChannel() > 1) {
      reluForward(kernels, none);
      reluBackward(kernels, none, none);
      reluForward(kernels, residual);
      reluBackward(kernels, residual, dresidual);
    }
    reluInfer(kernels, none);
    reluBackwardInference(kernels, none, none);
    reluInfer(kernels, residual);
    reluBackwardInference(kernels, residual, dresidual);
  }

  /** All operations on a tensor. Training is left out where it has one value per channel. */
  void runAll(Kernels kernels) {
    if (norm.valuesPerChannel() > 1) {
      forward(kernels);
      backward(kernels);
    }
    infer(kernels);
    backwardInference(kernels);
    runAllWithRelu(kernels);
    kernels.localStatistics(norm, x, mean, variance, workspace(kernels));
    kernels.normalize(norm, x, gamma, beta, mean, variance, y, workspace(kernels));
    var sumDy = statistics();
    var sumDyXHat = statistics();
    kernels.localGradientSums(norm, x, dy, mean, variance, sumDy, sumDyXHat, workspace(kernels));
    kernels.gradientInput(
        norm,
        x,
        dy,
        gamma,
        mean,
        variance,
        norm.valuesPerChannel(),
        sumDy,
        sumDyXHat,
        dx,
        workspace(kernels));
  }

  MemorySegment workspace(Kernels kernels) {
    var bytes = kernels.workspaceSize(norm);
    return bytes == 0 ? MemorySegment.NULL : arena.allocate(bytes, Double.BYTES);
  }

  double get(MemorySegment segment, long index) {
    return typeOf(segment).get(segment, index);
  }

  /** The elements of a tensor or a parameter array. */
  double[] values(MemorySegment segment) {
    var values = new double[Math.toIntExact(segment.byteSize() / typeOf(segment).bytes())];
    for (var i = 0; i < values.length; i++) {
      values[i] = get(segment, i);
    }
    return values;
  }

  /** The elements of an array of statistics. */
  static double[] doubles(MemorySegment segment) {
    return segment.toArray(JAVA_DOUBLE);
  }

  @Override
  public void close() {
    arena.close();
  }
}
