package dev.norma.benchmarks.vector;

import dev.norma.BatchNormDescriptor;
import dev.norma.Layout;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.VectorShape;

/**
 * Batch normalization in Java alone, as fast as the incubating Vector API makes it: what can be had without native
 * code.
 *
 * <p>Tensors are N x C x S elements, parameters (gamma, beta, their gradients, running statistics) C elements of the
 * same type. All are off the heap, aligned to their elements, and not of a confined arena, because other threads read
 * and write them. Outputs must not overlap inputs or each other. One call at a time.
 */
public abstract sealed class VectorBatchNorm implements AutoCloseable permits PlaneBatchNorm, ColumnBatchNorm {
  /** Below it, handing work to another thread costs more than it saves. */
  private static final int ELEMENTS_PER_THREAD = 32_768;

  final VectorKernels kernels;
  final Team team;
  final long count;

  /** Of the last forward pass for training, for the backward pass. */
  private final double[] mean;

  private final double[] invStd;

  // The arguments of the call that the team works on.
  MemorySegment x;
  MemorySegment y;
  MemorySegment dy;
  MemorySegment dx;
  private MemorySegment gamma;
  private MemorySegment beta;
  private MemorySegment runningMean;
  private MemorySegment runningVar;
  private MemorySegment dgamma;
  private MemorySegment dbeta;

  private final double epsilon;
  private final double updateWeight;
  private final double toUnbiased;

  VectorBatchNorm(BatchNormDescriptor norm, double updateWeight) {
    kernels = VectorKernels.of(norm.dataType());
    count = norm.valuesPerChannel();
    mean = new double[Math.toIntExact(norm.channels())];
    invStd = new double[mean.length];
    epsilon = norm.epsilon();
    this.updateWeight = updateWeight;
    toUnbiased = count / (count - 1.0);
    var useful = Math.ceilDiv(count * mean.length, ELEMENTS_PER_THREAD);
    team = new Team(Math.clamp(useful, 1, norm.threads()));
  }

  /**
   * A batch normalization.
   *
   * @param norm shape, layout, type and epsilon; {@code threads}, at least 1, is how many a call uses, fewer for little
   *     work
   * @param updateWeight the weight of a batch in the running statistics
   * @return the batch normalization; close it to end its threads
   * @throws ArithmeticException if C or S exceeds an int
   */
  public static VectorBatchNorm of(BatchNormDescriptor norm, double updateWeight) {
    return norm.layout() == Layout.CHANNELS_FIRST && norm.spatial() > 1
        ? new PlaneBatchNorm(norm, updateWeight)
        : new ColumnBatchNorm(norm, updateWeight);
  }

  /**
   * The size of the vectors that are computed with: the processor's largest.
   *
   * @return bits
   */
  public static int vectorBits() {
    return VectorShape.preferredShape().vectorBitSize();
  }

  /**
   * Forward for training: {@code y = gamma * (x - mean) / sqrt(variance + epsilon) + beta} by the statistics of the
   * batch, which the running ones follow (the unbiased variance).
   *
   * @param x in, tensor of more than one value per channel
   * @param gamma in, parameters
   * @param beta in, parameters
   * @param runningMean in and out, parameters
   * @param runningVar in and out, parameters
   * @param y out, tensor
   */
  public final void forwardTraining(
      MemorySegment x,
      MemorySegment gamma,
      MemorySegment beta,
      MemorySegment runningMean,
      MemorySegment runningVar,
      MemorySegment y) {
    setForward(x, gamma, beta, runningMean, runningVar, y);
    forwardTraining();
  }

  /**
   * Forward for inference: {@code y = gamma * (x - runningMean) / sqrt(runningVar + epsilon) + beta}.
   *
   * @param x in, tensor
   * @param gamma in, parameters
   * @param beta in, parameters
   * @param runningMean in, parameters
   * @param runningVar in, parameters
   * @param y out, tensor
   */
  public final void forwardInference(
      MemorySegment x,
      MemorySegment gamma,
      MemorySegment beta,
      MemorySegment runningMean,
      MemorySegment runningVar,
      MemorySegment y) {
    setForward(x, gamma, beta, runningMean, runningVar, y);
    forwardInference();
  }

  private void setForward(
      MemorySegment x,
      MemorySegment gamma,
      MemorySegment beta,
      MemorySegment runningMean,
      MemorySegment runningVar,
      MemorySegment y) {
    this.x = x;
    this.gamma = gamma;
    this.beta = beta;
    this.runningMean = runningMean;
    this.runningVar = runningVar;
    this.y = y;
  }

  /**
   * Backward for training, through the statistics of the last {@link #forwardTraining}.
   *
   * @param x in, tensor: what that was given
   * @param dy in, tensor: the gradient of the loss by y
   * @param gamma in, parameters
   * @param dx out, tensor
   * @param dgamma out, parameters
   * @param dbeta out, parameters
   */
  public final void backwardTraining(
      MemorySegment x,
      MemorySegment dy,
      MemorySegment gamma,
      MemorySegment dx,
      MemorySegment dgamma,
      MemorySegment dbeta) {
    this.x = x;
    this.dy = dy;
    this.gamma = gamma;
    this.dx = dx;
    this.dgamma = dgamma;
    this.dbeta = dbeta;
    backwardTraining();
  }

  abstract void forwardTraining();

  abstract void forwardInference();

  abstract void backwardTraining();

  /** What is subtracted from x: the mean rounded to the type. */
  final double center(int c) {
    return kernels.round(mean[c]);
  }

  /** What rounding the mean lost. */
  private double rest(int c) {
    return mean[c] - center(c);
  }

  /** The scale of y = (x - center) * scale + offset and of dx. */
  final double scale(int c) {
    return kernels.get(gamma, c) * invStd[c];
  }

  final double offset(int c) {
    return kernels.get(beta, c) - rest(c) * scale(c);
  }

  final double runningCenter(int c) {
    return kernels.get(runningMean, c);
  }

  final double runningScale(int c) {
    return kernels.get(gamma, c) / Math.sqrt(kernels.get(runningVar, c) + epsilon);
  }

  final double runningOffset(int c) {
    return kernels.get(beta, c);
  }

  /** The slope of dx = (dy - offset + (x - center) * slope) * scale. */
  final double gradientSlope(int c, double sumDy, double sumDyD) {
    return -invStd[c] * invStd[c] * (sumDyD - rest(c) * sumDy) / count;
  }

  final double gradientOffset(int c, double sumDy, double slope) {
    return sumDy / count + rest(c) * slope;
  }

  final void storeGradients(int c, double sumDy, double sumDyD) {
    kernels.set(dbeta, c, sumDy);
    kernels.set(dgamma, c, (sumDyD - rest(c) * sumDy) * invStd[c]);
  }

  /** Ends the statistics of a channel from the sums of d = x - shift and d * d, and moves the running ones. */
  final void storeMoments(int c, double shift, double sum, double squares) {
    var distance = sum / count;
    var variance = Math.max(0, squares / count - distance * distance);
    mean[c] = shift + distance;
    invStd[c] = 1 / Math.sqrt(variance + epsilon);
    follow(runningMean, c, mean[c]);
    follow(runningVar, c, variance * toUnbiased);
  }

  private void follow(MemorySegment running, int c, double batch) {
    var old = kernels.get(running, c);
    kernels.set(running, c, old + updateWeight * (batch - old));
  }

  @Override
  public void close() {
    team.close();
  }
}
