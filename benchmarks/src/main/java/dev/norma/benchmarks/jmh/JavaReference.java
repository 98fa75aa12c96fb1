package dev.norma.benchmarks.jmh;

import dev.norma.BatchNormDescriptor;
import dev.norma.Kernels;
import dev.norma.Layout;
import dev.norma.RunningRule;
import dev.norma.benchmarks.Case;
import dev.norma.benchmarks.KernelPasses;
import dev.norma.benchmarks.Normalization;
import dev.norma.benchmarks.Pass;
import dev.norma.benchmarks.Types;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** The formulas as plain loops in Java, on one thread: Norma's reference kernels. */
public class JavaReference extends BatchNormBenchmark {
  private static final Kernels KERNELS = Kernels.reference();
  private static final RunningRule RULE = new RunningRule(1 - UPDATE_WEIGHT, false, true, false);

  private final Arena arena = Arena.ofConfined();
  private CaseMemory memory;
  private BatchNormDescriptor norm;
  private KernelPasses passes;
  /** Null for batch normalization. */
  private ReferenceSlices slices;

  @Override
  protected String version() {
    return "Java " + Runtime.version().feature();
  }

  @Override
  protected void prepare(Case measured, Inputs inputs) {
    memory = new CaseMemory(measured, inputs, arena);
    if (measured.operation().normalization() == Normalization.BATCH) {
      describe(measured);
    } else {
      slices = new ReferenceSlices(measured, memory);
    }
    if (measured.pass() == Pass.BACKWARD_TRAINING) {
      forward();
    }
  }

  private void describe(Case measured) {
    var shape = measured.shape();
    norm = new BatchNormDescriptor(
        shape.batch(),
        shape.channels(),
        shape.spatial(),
        EPSILON,
        Types.of(measured.type()),
        isChannelsLast(measured) ? Layout.CHANNELS_LAST : Layout.CHANNELS_FIRST,
        measured.threads());
    passes = new KernelPasses(KERNELS, measured.operation(), norm);
  }

  @Override
  protected void forward() {
    if (slices != null) {
      slices.forward();
      return;
    }
    var m = memory;
    passes.forwardTraining(m.x, m.residual, m.gamma, m.beta, m.y, m.mean, m.variance);
    KERNELS.updateRunning(
        RULE, norm.dataType(), norm.channels(), norm.valuesPerChannel(), m.mean, m.variance, m.runningMean,
        m.runningVar, m.batches, m.refused);
  }

  @Override
  protected void infer() {
    var m = memory;
    passes.forwardInference(m.x, m.residual, m.gamma, m.beta, m.runningMean, m.runningVar, m.y);
  }

  @Override
  protected void backward() {
    if (slices != null) {
      slices.backward();
      return;
    }
    var m = memory;
    passes.backwardTraining(
        m.x, m.residual, m.dy, m.gamma, m.beta, m.mean, m.variance, m.dx, m.dresidual, m.dgamma, m.dbeta);
  }

  @Override
  protected MemorySegment output(String name) {
    return memory.output(name);
  }

  @Override
  protected void release() {
    arena.close();
  }
}
