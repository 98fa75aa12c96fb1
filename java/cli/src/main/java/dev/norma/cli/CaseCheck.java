package dev.norma.cli;

import static java.lang.foreign.MemorySegment.NULL;

import dev.norma.BatchNormDescriptor;
import dev.norma.DataType;
import dev.norma.GradientDescent;
import dev.norma.Kernels;
import dev.norma.RunningRule;
import dev.norma.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Runs every operation on the inputs of one case, natively and by the reference, and enters the errors in a table. */
final class CaseCheck {
  private static final RunningRule RUNNING = new RunningRule(0.9, false, true, true);
  private static final GradientDescent DESCENT = new GradientDescent(0.1, 0.9, 1e-4, true);
  /** The parts of a batch in the merges; the middle one is empty. */
  private static final int PARTS = 3;

  private final CheckInputs in;
  private final Arena arena;
  private final Comparison comparison;
  private final RowCheck rows;
  private final GroupCheck groups;
  private final BatchNormDescriptor norm;
  private final DataType type;
  private final ErrorScales training;
  private final ErrorScales inference;

  private CaseCheck(CheckInputs in, Comparison comparison, long seed) {
    this.in = in;
    this.arena = comparison.arena();
    this.comparison = comparison;
    rows = new RowCheck(in, comparison, seed);
    groups = new GroupCheck(in, comparison);
    norm = in.norm;
    type = in.checkCase.type();
    training = new ErrorScales(in, in.dy, in.mean, in.variance);
    inference = new ErrorScales(in, in.dy, in.runningMean, in.runningVar);
  }

  /** {@code checked} are kernels that compare with the reference and throw where they differ by too much. */
  static void run(CheckCase checkCase, long seed, Kernels checked, ErrorTable table) {
    try (var arena = Arena.ofConfined()) {
      var comparison = new Comparison(checkCase, arena, checked, table);
      new CaseCheck(new CheckInputs(checkCase, seed, arena), comparison, seed).runAll();
    }
  }

  private void runAll() {
    if (norm.valuesPerChannel() > 1) {
      forwardTraining();
      backwardTraining();
      reluForwardTraining();
      reluBackwardTraining();
      updateRunning();
    }
    forwardInference();
    backwardInference();
    reluForwardInference();
    reluBackwardInference();
    localStatistics();
    mergeStatistics();
    normalize();
    localGradientSums();
    mergeGradientSums();
    gradientInput();
    fold();
    gradientDescentStep();
    rows.runAll();
    groups.runAll();
  }

  private CheckedOutput tensor(String name, CheckedOutput.Scale scale) {
    return comparison.tensor(name, in.x, scale);
  }

  private CheckedOutput parameters(String name, Tensor before, CheckedOutput.Scale scale) {
    return comparison.parameters(name, before, scale);
  }

  private CheckedOutput statistics(String name, CheckedOutput.Scale scale) {
    return comparison.statistics(name, norm.channels(), scale);
  }

  private static MemorySegment at(Tensor tensor) {
    return tensor.segment();
  }

  private void forwardTraining() {
    var y = tensor("y", training::outputByBatch);
    var mean = statistics("mean", (c, expected) -> training.mean(c));
    var variance = statistics("variance", (c, expected) -> expected);
    comparison.compare("forward training",
        k -> k.forwardTraining(
            norm, at(in.x), at(in.gamma), at(in.beta), y.of(k), mean.of(k), variance.of(k), NULL),
        y, mean, variance);
  }

  private void backwardTraining() {
    var dx = tensor("dx", (i, expected) -> training.gradient(i));
    var dgamma = parameters("dgamma", in.gamma, (c, expected) -> training.gammaGradient(c));
    var dbeta = parameters("dbeta", in.beta, (c, expected) -> training.betaGradient(c));
    comparison.compare("backward training",
        k -> k.backwardTraining(norm, at(in.x), at(in.dy), at(in.gamma), at(in.mean), at(in.variance), dx.of(k),
            dgamma.of(k), dbeta.of(k), NULL),
        dx, dgamma, dbeta);
  }

  private void forwardInference() {
    var y = tensor("y", inference::output);
    comparison.compare("forward inference",
        k -> k.forwardInference(norm, at(in.x), at(in.gamma), at(in.beta), at(in.runningMean), at(in.runningVar),
            y.of(k), NULL),
        y);
  }

  private void backwardInference() {
    var dx = tensor("dx", (i, expected) -> inference.gradientInInference(i));
    var dgamma = parameters("dgamma", in.gamma, (c, expected) -> inference.gammaGradient(c));
    var dbeta = parameters("dbeta", in.beta, (c, expected) -> inference.betaGradient(c));
    comparison.compare("backward inference",
        k -> k.backwardInference(norm, at(in.x), at(in.dy), at(in.gamma), at(in.runningMean), at(in.runningVar),
            dx.of(k), dgamma.of(k), dbeta.of(k), NULL),
        dx, dgamma, dbeta);
  }

  private void reluForwardTraining() {
    var residual = residual(training);
    var y = tensor("y", (i, expected) ->
        Math.max(training.outputByBatch(i, training.normalized(i)), Math.abs(residual.get(i))));
    var mean = statistics("mean", (c, expected) -> training.mean(c));
    var variance = statistics("variance", (c, expected) -> expected);
    comparison.compare("relu forward training",
        k -> k.reluForwardTraining(norm, at(in.x), at(residual), at(in.gamma), at(in.beta), y.of(k), mean.of(k),
            variance.of(k), NULL),
        y, mean, variance);
  }

  private void reluForwardInference() {
    var residual = residual(inference);
    var y = tensor("y", (i, expected) ->
        Math.max(inference.output(i, inference.normalized(i)), Math.abs(residual.get(i))));
    comparison.compare("relu forward inference",
        k -> k.reluForwardInference(norm, at(in.x), at(residual), at(in.gamma), at(in.beta), at(in.runningMean),
            at(in.runningVar), y.of(k), NULL),
        y);
  }

  private void reluBackwardTraining() {
    var residual = residual(training);
    var scales = new ErrorScales(in, passed(residual, training), in.mean, in.variance);
    var dx = tensor("dx", (i, expected) -> scales.gradient(i));
    var dresidual = tensor("dresidual", (i, expected) -> expected);
    var dgamma = parameters("dgamma", in.gamma, (c, expected) -> scales.gammaGradient(c));
    var dbeta = parameters("dbeta", in.beta, (c, expected) -> scales.betaGradient(c));
    comparison.compare("relu backward training",
        k -> k.reluBackwardTraining(norm, at(in.x), at(residual), at(in.dy), at(in.gamma), at(in.beta), at(in.mean),
            at(in.variance), dx.of(k), dresidual.of(k), dgamma.of(k), dbeta.of(k), NULL),
        dx, dresidual, dgamma, dbeta);
  }

  private void reluBackwardInference() {
    var residual = residual(inference);
    var scales = new ErrorScales(in, passed(residual, inference), in.runningMean, in.runningVar);
    var dx = tensor("dx", (i, expected) -> scales.gradientInInference(i));
    var dresidual = tensor("dresidual", (i, expected) -> expected);
    var dgamma = parameters("dgamma", in.gamma, (c, expected) -> scales.gammaGradient(c));
    var dbeta = parameters("dbeta", in.beta, (c, expected) -> scales.betaGradient(c));
    comparison.compare("relu backward inference",
        k -> k.reluBackwardInference(norm, at(in.x), at(residual), at(in.dy), at(in.gamma), at(in.beta),
            at(in.runningMean), at(in.runningVar), dx.of(k), dresidual.of(k), dgamma.of(k), dbeta.of(k), NULL),
        dx, dresidual, dgamma, dbeta);
  }

  /** Residuals that keep z = normalized + residual so far from 0 that no rounding decides what ReLU lets through. */
  private Tensor residual(ErrorScales scales) {
    var residual = Tensor.allocate(arena, type, norm.layout(), in.x.extents());
    for (long i = 0; i < residual.size(); i++) {
      double normalized = scales.normalized(i);
      double terms = 1 + Math.abs(normalized) + 2 * Math.abs(in.beta.get(in.channel(i)));
      double drawn = in.residual.get(i);
      residual.set(i, Math.abs(normalized + drawn) < terms / 64 ? terms : drawn);
    }
    return residual;
  }

  /** What ReLU lets through of dy. */
  private Tensor passed(Tensor residual, ErrorScales scales) {
    var passed = Tensor.allocate(arena, type, norm.layout(), in.x.extents());
    for (long i = 0; i < passed.size(); i++) {
      passed.set(i, scales.normalized(i) + residual.get(i) > 0 ? in.dy.get(i) : 0);
    }
    return passed;
  }

  private void updateRunning() {
    var runningMean = parameters("running mean", in.runningMean, (c, expected) -> running(in.runningMean, in.mean, c));
    var runningVar = parameters("running var", in.runningVar, (c, expected) -> running(in.runningVar, in.variance, c));
    var counters = arena.allocate(2 * ValueLayout.JAVA_LONG.byteSize(), ValueLayout.JAVA_LONG.byteAlignment());
    comparison.compare("running update",
        k -> k.updateRunning(RUNNING, type, norm.channels(), norm.valuesPerChannel(), at(in.mean), at(in.variance),
            runningMean.of(k), runningVar.of(k), counters.asSlice(0, Long.BYTES),
            counters.asSlice(Long.BYTES, Long.BYTES)),
        runningMean, runningVar);
  }

  private static double running(Tensor before, Tensor batch, long c) {
    return Math.max(
        RUNNING.momentum() * Math.abs(before.get(c)), (1 - RUNNING.momentum()) * Math.abs(batch.get(c)));
  }

  private void localStatistics() {
    var mean = statistics("mean", (c, expected) -> training.mean(c));
    var variance = statistics("variance", (c, expected) -> expected);
    comparison.compare("local statistics",
        k -> k.localStatistics(norm, at(in.x), mean.of(k), variance.of(k), NULL), mean, variance);
  }

  /** Of the batch, an empty part and a part with the running statistics. */
  private void mergeStatistics() {
    var counts = counts();
    var means = parts(in.mean, in.runningMean);
    var variances = parts(in.variance, in.runningVar);
    var count = arena.allocate(ValueLayout.JAVA_LONG);
    var mean = merged("mean", (c, expected) -> largest(in.mean, in.runningMean, c));
    var variance = merged("variance", (c, expected) -> Math.max(largest(in.variance, in.runningVar, c),
        largest(in.mean, in.runningMean, c) * Math.abs(in.mean.get(c) - in.runningMean.get(c))));
    comparison.compare("merge statistics",
        k -> k.mergeStatistics(
            norm.channels(), PARTS, counts, means, variances, count, mean.of(k), variance.of(k)),
        mean, variance);
  }

  /** Results of merges are double through and through. */
  private CheckedOutput merged(String name, CheckedOutput.Scale scale) {
    return CheckedOutput.like(name, in.mean, arena, DataType.FLOAT64, scale);
  }

  private MemorySegment counts() {
    long values = norm.valuesPerChannel();
    return arena.allocateFrom(ValueLayout.JAVA_LONG, values, 0, 2 * values + 1);
  }

  private MemorySegment parts(Tensor first, Tensor last) {
    var parts = CheckInputs.array(arena, DataType.FLOAT64, PARTS * norm.channels());
    for (long c = 0; c < norm.channels(); c++) {
      parts.set(c, first.get(c));
      parts.set(norm.channels() + c, Double.NaN);
      parts.set(2 * norm.channels() + c, last.get(c));
    }
    return parts.segment();
  }

  private static double largest(Tensor first, Tensor second, long c) {
    return Math.max(Math.abs(first.get(c)), Math.abs(second.get(c)));
  }

  private void normalize() {
    var y = tensor("y", training::output);
    comparison.compare("normalize",
        k -> k.normalize(norm, at(in.x), at(in.gamma), at(in.beta), at(in.mean), at(in.variance), y.of(k), NULL), y);
  }

  private void localGradientSums() {
    var sumDy = statistics("sum dy", (c, expected) -> training.betaGradient(c));
    var sumDyXHat = statistics("sum dy xHat", (c, expected) -> training.gammaGradient(c));
    comparison.compare("local gradient sums",
        k -> k.localGradientSums(norm, at(in.x), at(in.dy), at(in.mean), at(in.variance), sumDy.of(k),
            sumDyXHat.of(k), NULL),
        sumDy, sumDyXHat);
  }

  private void mergeGradientSums() {
    var counts = counts();
    var sumsDy = parts(in.mean, in.runningMean);
    var sumsDyXHat = parts(in.variance, in.runningVar);
    var sumDy = merged("sum dy", (c, expected) -> largest(in.mean, in.runningMean, c));
    var sumDyXHat = merged("sum dy xHat", (c, expected) -> largest(in.variance, in.runningVar, c));
    comparison.compare("merge gradient sums",
        k -> k.mergeGradientSums(norm.channels(), PARTS, counts, sumsDy, sumsDyXHat, sumDy.of(k), sumDyXHat.of(k)),
        sumDy, sumDyXHat);
  }

  private void gradientInput() {
    var sumDy = CheckInputs.array(arena, DataType.FLOAT64, norm.channels());
    var sumDyXHat = CheckInputs.array(arena, DataType.FLOAT64, norm.channels());
    Kernels.reference().localGradientSums(
        norm, at(in.x), at(in.dy), at(in.mean), at(in.variance), at(sumDy), at(sumDyXHat), NULL);
    var dx = tensor("dx", (i, expected) -> training.gradient(i));
    comparison.compare("gradient input",
        k -> k.gradientInput(norm, at(in.x), at(in.dy), at(in.gamma), at(in.mean), at(in.variance),
            norm.valuesPerChannel(), at(sumDy), at(sumDyXHat), dx.of(k), NULL),
        dx);
  }

  /** The tensor as weights of as many channels; beta stands for their bias, too. */
  private void fold() {
    var weights = tensor("weights", (i, expected) -> expected);
    var bias = parameters("bias", in.beta, (c, expected) -> inference.foldedBias(c));
    comparison.compare("fold",
        k -> k.fold(type, norm.channels(), norm.valuesPerChannel(), norm.epsilon(), at(in.x), at(in.beta),
            at(in.gamma), at(in.beta), at(in.runningMean), at(in.runningVar), weights.of(k), bias.of(k)),
        weights, bias);
  }

  private void gradientDescentStep() {
    var parameter = parameters("parameter", in.gamma, (c, expected) -> Math.max(
        Math.abs(in.gamma.get(c)), DESCENT.learningRate() * 2 * largest(in.beta, in.gamma, c)));
    var velocity = parameters("velocity", in.gamma, (c, expected) -> largest(in.beta, in.gamma, c));
    comparison.compare("gradient descent",
        k -> k.gradientDescentStep(DESCENT, type, norm.channels(), at(in.beta), parameter.of(k), velocity.of(k)),
        parameter, velocity);
  }
}
