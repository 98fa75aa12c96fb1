package dev.norma.benchmarks.jmh;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.norma.benchmarks.Case;
import dev.norma.benchmarks.Normalization;
import dev.norma.benchmarks.Pass;
import dev.norma.benchmarks.Types;
import dev.norma.bindings.NormaLibrary;
import dev.norma.bindings.c.Norma;
import dev.norma.bindings.c.norma_batch_norm;
import dev.norma.bindings.c.norma_running_rule;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Norma's C functions, called from Java through the generated bindings alone: what the façade costs is not in it. */
public class NormaBindings extends BatchNormBenchmark {
  private final Arena arena = Arena.ofConfined();
  private CaseMemory memory;
  private boolean hasRelu;
  private int type;
  private long channels;
  private long valuesPerChannel;
  private MemorySegment norm;
  private MemorySegment rule;
  private MemorySegment workspace;
  /** Null for batch normalization. */
  private BindingsSlices slices;

  @Override
  protected String version() {
    NormaLibrary.load();
    return "Norma " + Norma.norma_version().getString(0);
  }

  @Override
  protected void prepare(Case measured, Inputs inputs) {
    hasRelu = measured.operation().hasRelu();
    type = typeOf(measured);
    memory = new CaseMemory(measured, inputs, arena);
    if (measured.operation().normalization() == Normalization.BATCH) {
      describe(measured);
    } else {
      slices = new BindingsSlices(measured, memory, type, layoutOf(measured), arena);
    }
    if (measured.pass() == Pass.BACKWARD_TRAINING) {
      forward();
    }
  }

  private static int typeOf(Case measured) {
    return switch (Types.of(measured.type())) {
      case FLOAT32 -> Norma.NORMA_FLOAT32();
      case FLOAT64 -> Norma.NORMA_FLOAT64();
      case BFLOAT16 -> Norma.NORMA_BFLOAT16();
      case FLOAT16 -> Norma.NORMA_FLOAT16();
    };
  }

  private static int layoutOf(Case measured) {
    return isChannelsLast(measured) ? Norma.NORMA_CHANNELS_LAST() : Norma.NORMA_CHANNELS_FIRST();
  }

  private void describe(Case measured) {
    channels = measured.shape().channels();
    valuesPerChannel = measured.shape().batch() * measured.shape().spatial();
    norm = norma_batch_norm.allocate(arena);
    norma_batch_norm.batch(norm, measured.shape().batch());
    norma_batch_norm.channels(norm, channels);
    norma_batch_norm.spatial(norm, measured.shape().spatial());
    norma_batch_norm.epsilon(norm, EPSILON);
    norma_batch_norm.data_type(norm, type);
    norma_batch_norm.layout(norm, layoutOf(measured));
    norma_batch_norm.threads(norm, measured.threads());
    rule = norma_running_rule.allocate(arena);
    norma_running_rule.momentum(rule, 1 - UPDATE_WEIGHT);
    norma_running_rule.mode(rule, Norma.NORMA_RUNNING_EXPONENTIAL());
    norma_running_rule.unbiased(rule, 1);
    var size = arena.allocate(JAVA_LONG);
    require(Norma.norma_batch_norm_workspace_size(norm, size));
    workspace = arena.allocate(size.get(JAVA_LONG, 0), Inputs.ALIGNMENT);
  }

  @Override
  protected void forward() {
    if (slices != null) {
      slices.forward();
      return;
    }
    var m = memory;
    require(hasRelu
        ? Norma.norma_batch_norm_relu_forward_training(
            norm, m.x, m.residual, m.gamma, m.beta, m.y, m.mean, m.variance, workspace, workspace.byteSize())
        : Norma.norma_batch_norm_forward_training(
            norm, m.x, m.gamma, m.beta, m.y, m.mean, m.variance, workspace, workspace.byteSize()));
    require(Norma.norma_batch_norm_update_running(
        rule, type, channels, valuesPerChannel, m.mean, m.variance, m.runningMean, m.runningVar, m.batches, m.refused));
  }

  @Override
  protected void infer() {
    var m = memory;
    require(hasRelu
        ? Norma.norma_batch_norm_relu_forward_inference(
            norm, m.x, m.residual, m.gamma, m.beta, m.runningMean, m.runningVar, m.y, workspace, workspace.byteSize())
        : Norma.norma_batch_norm_forward_inference(
            norm, m.x, m.gamma, m.beta, m.runningMean, m.runningVar, m.y, workspace, workspace.byteSize()));
  }

  @Override
  protected void backward() {
    if (slices != null) {
      slices.backward();
      return;
    }
    var m = memory;
    require(hasRelu
        ? Norma.norma_batch_norm_relu_backward_training(
            norm, m.x, m.residual, m.dy, m.gamma, m.beta, m.mean, m.variance, m.dx, m.dresidual, m.dgamma, m.dbeta,
            workspace, workspace.byteSize())
        : Norma.norma_batch_norm_backward_training(
            norm, m.x, m.dy, m.gamma, m.mean, m.variance, m.dx, m.dgamma, m.dbeta, workspace, workspace.byteSize()));
  }

  static void require(int status) {
    if (status != Norma.NORMA_OK()) {
      throw new IllegalStateException(Norma.norma_status_message(status).getString(0));
    }
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
