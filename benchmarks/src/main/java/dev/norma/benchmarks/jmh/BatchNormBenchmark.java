package dev.norma.benchmarks.jmh;

import dev.norma.benchmarks.Case;
import dev.norma.benchmarks.Normalization;
import dev.norma.benchmarks.Operation;
import dev.norma.benchmarks.Pass;
import dev.norma.benchmarks.Shape;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.infra.BenchmarkParams;

/**
 * A batch normalization that is measured: one subclass an implementation, public and with a public constructor without
 * arguments. It says what it is and how it is called; everything else stands here and in {@link JmhRunner}.
 *
 * <p>An object serves one case: {@link #prepare}, any number of calls of the case's pass, {@link #output}, {@link
 * #release}, all on one thread. JMH's own command line makes the case from the parameters and random data. Under {@link
 * JmhRunner} the object that it holds is measured in place of the one that JMH makes anew for every run.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 1, jvmArgsAppend = {"--enable-native-access=ALL-UNNAMED", "--sun-misc-unsafe-memory-access=allow"})
public abstract class BatchNormBenchmark {
  /** Added to the variance, in every implementation. */
  protected static final double EPSILON = 1e-5;

  /** The weight of a batch in the running statistics, in every implementation that has them. */
  protected static final double UPDATE_WEIGHT = 0.1;

  private static final HeapMeter HEAP = new HeapMeter();
  private static BatchNormBenchmark held;

  /** N x C, N x C x S or N x C x H x W. */
  @Param("8x64x28x28")
  public String shape;

  /** batch-norm, batch-norm-relu, batch-norm-add-relu, layer-norm, rms-norm, group-norm or instance-norm. */
  @Param("batch-norm")
  public String operation;

  /** Of the channels, in group normalization. */
  @Param("1")
  public int groups;

  /** f32, f64, bf16 or f16. */
  @Param("f32")
  public String type;

  /** nchw or nhwc. */
  @Param("nchw")
  public String layout;

  /** How many threads a call may use. */
  @Param("1")
  public int threads;

  private BatchNormBenchmark measured;

  /**
   * What is measured; asking for it loads all that is needed.
   *
   * @return name and version, such as {@code PyTorch 2.10.0}
   */
  protected abstract String version();

  /**
   * Makes all that calls of the case's pass need: outputs, and what a forward pass leaves to the backward pass.
   *
   * @param measured the case
   * @param inputs the arrays that it starts from
   * @throws UnsupportedOperationException if the implementation has no such case; the message says why
   */
  protected abstract void prepare(Case measured, Inputs inputs);

  /** One call of the forward pass for training: y by the statistics of the batch, which the running ones follow. */
  protected abstract void forward();

  /** One call of the forward pass for inference: y by the running statistics. */
  protected abstract void infer();

  /** One call of the backward pass for training: dx, dgamma and dbeta, and dresidual where there is a residual. */
  protected abstract void backward();

  /**
   * What the last call of the case's pass computed.
   *
   * @param name one of the pass's outputs
   * @return the elements in the order of the case's layout, off the heap, alive until {@link #release} at least
   */
  protected abstract MemorySegment output(String name);

  /** Frees all that {@link #prepare} took, also after it failed half way. */
  protected abstract void release();

  /**
   * Whether the channels stand last.
   *
   * @param measured the case
   * @return true for nhwc, false for nchw
   * @throws UnsupportedOperationException for any other layout
   */
  protected static boolean isChannelsLast(Case measured) {
    return switch (measured.layout()) {
      case "nchw" -> false;
      case "nhwc" -> true;
      default -> throw new UnsupportedOperationException("no layout " + measured.layout());
    };
  }

  /**
   * For an implementation of batch normalization, alone or with what follows it.
   *
   * @param measured the case
   * @throws UnsupportedOperationException if it is of another normalization
   */
  protected static void requireBatch(Case measured) {
    if (measured.operation().normalization() != Normalization.BATCH) {
      throw new UnsupportedOperationException("no " + measured.operation());
    }
  }

  /**
   * For an implementation of batch normalization alone.
   *
   * @param measured the case
   * @throws UnsupportedOperationException if it is of another operation
   */
  protected static void requireBatchNorm(Case measured) {
    if (measured.operation() != Operation.BATCH_NORM) {
      throw new UnsupportedOperationException("no " + measured.operation() + ", only batch-norm");
    }
  }

  /** The forward pass for training. */
  @Benchmark
  public void forwardTraining() {
    measured.forward();
  }

  /** The forward pass for inference. */
  @Benchmark
  public void forwardInference() {
    measured.infer();
  }

  /** The backward pass for training. */
  @Benchmark
  public void backwardTraining() {
    measured.backward();
  }

  /** Calls a pass once. */
  final void call(Pass pass) {
    switch (pass) {
      case FORWARD_TRAINING -> forward();
      case FORWARD_INFERENCE -> infer();
      case BACKWARD_TRAINING -> backward();
    }
  }

  /** The name of the method that JMH calls for a pass. */
  static String method(Pass pass) {
    return switch (pass) {
      case FORWARD_TRAINING -> "forwardTraining";
      case FORWARD_INFERENCE -> "forwardInference";
      case BACKWARD_TRAINING -> "backwardTraining";
    };
  }

  /** From here on JMH's runs in this JVM measure a prepared object; null ends it. */
  static void hold(BatchNormBenchmark prepared) {
    held = prepared;
  }

  /**
   * Prepares a case of random data, unless a prepared one is held.
   *
   * @param params tell which pass
   */
  @Setup
  public void setUp(BenchmarkParams params) {
    measured = held;
    if (held == null) {
      measured = this;
      version();
      var asked = new Case(Operation.of(operation), pass(params), type, layout, parsedShape(), threads);
      prepare(asked, Inputs.random(asked));
    }
  }

  private static Pass pass(BenchmarkParams params) {
    for (var pass : Pass.values()) {
      if (params.getBenchmark().endsWith("." + method(pass))) {
        return pass;
      }
    }
    throw new IllegalStateException(params.getBenchmark() + " is no pass");
  }

  private Shape parsedShape() {
    if (!shape.matches("[1-9]\\d*(x[1-9]\\d*){1,3}")) {
      throw new IllegalArgumentException("shape must be like 256x128, 8x64x784 or 8x64x28x28, not " + shape);
    }
    var extents = Arrays.stream(shape.split("x")).mapToLong(Long::parseLong).toArray();
    var spatial = Arrays.stream(extents).skip(2).reduce(1, Math::multiplyExact);
    var normalization = Operation.of(operation).normalization();
    var perImage = normalization == Normalization.INSTANCE ? extents[1] : groups;
    return new Shape("", shape, normalization, extents[0], extents[1], spatial, perImage, 1);
  }

  /** Before the calls of an iteration. */
  @Setup(Level.Iteration)
  public void startIteration() {
    HEAP.start();
  }

  /** After the calls of an iteration. */
  @TearDown(Level.Iteration)
  public void endIteration() {
    HEAP.stop();
  }

  /** What the calls of the last iteration allocated on the heap. */
  static long heapBytes() {
    return HEAP.bytes();
  }

  /** Frees what {@link #setUp} prepared. */
  @TearDown
  public void tearDown() {
    if (measured == this) {
      release();
    }
  }
}
