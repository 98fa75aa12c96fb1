package dev.norma.benchmarks.jmh;

import dev.norma.BatchNormDescriptor;
import dev.norma.Layout;
import dev.norma.benchmarks.Case;
import dev.norma.benchmarks.Pass;
import dev.norma.benchmarks.Types;
import dev.norma.benchmarks.vector.VectorBatchNorm;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.openjdk.jmh.annotations.Fork;

/** The Vector API: what a program in Java can have without native code. */
@Fork(value = 1, jvmArgsAppend = {"--enable-native-access=ALL-UNNAMED", "--add-modules=jdk.incubator.vector"})
public class JavaVector extends BatchNormBenchmark {
  /** Shared, because the threads of a call are the implementation's own. */
  private final Arena arena = Arena.ofShared();

  private CaseMemory memory;
  private VectorBatchNorm layer;

  @Override
  protected String version() {
    return "Java %d Vector API, %d bits".formatted(Runtime.version().feature(), VectorBatchNorm.vectorBits());
  }

  @Override
  protected void prepare(Case measured, Inputs inputs) {
    requireBatchNorm(measured);
    var shape = measured.shape();
    var norm = new BatchNormDescriptor(
        shape.batch(),
        shape.channels(),
        shape.spatial(),
        EPSILON,
        Types.of(measured.type()),
        isChannelsLast(measured) ? Layout.CHANNELS_LAST : Layout.CHANNELS_FIRST,
        measured.threads());
    layer = VectorBatchNorm.of(norm, UPDATE_WEIGHT);
    memory = new CaseMemory(measured, inputs, arena);
    if (measured.pass() == Pass.BACKWARD_TRAINING) {
      forward();
    }
  }

  @Override
  protected void forward() {
    var m = memory;
    layer.forwardTraining(m.x, m.gamma, m.beta, m.runningMean, m.runningVar, m.y);
  }

  @Override
  protected void infer() {
    var m = memory;
    layer.forwardInference(m.x, m.gamma, m.beta, m.runningMean, m.runningVar, m.y);
  }

  @Override
  protected void backward() {
    var m = memory;
    layer.backwardTraining(m.x, m.dy, m.gamma, m.dx, m.dgamma, m.dbeta);
  }

  @Override
  protected MemorySegment output(String name) {
    return memory.output(name);
  }

  @Override
  protected void release() {
    if (layer != null) {
      layer.close();
    }
    arena.close();
  }
}
