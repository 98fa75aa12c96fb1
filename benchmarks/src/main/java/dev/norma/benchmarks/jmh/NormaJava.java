package dev.norma.benchmarks.jmh;

import dev.norma.Activation;
import dev.norma.BatchNorm;
import dev.norma.Layout;
import dev.norma.NativeLibrary;
import dev.norma.Tensor;
import dev.norma.benchmarks.Case;
import dev.norma.benchmarks.Normalization;
import dev.norma.benchmarks.Pass;
import dev.norma.benchmarks.Types;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Norma as programs in Java use it: a layer, such as {@link BatchNorm}, and {@link Tensor}s. */
public class NormaJava extends BatchNormBenchmark {
  private final Arena arena = Arena.ofConfined();
  /** Null for another normalization. */
  private BatchNorm layer;
  /** Null for batch normalization. */
  private NormaSlices slices;
  private Tensor x;
  private Tensor y;
  private Tensor dy;
  private Tensor dx;
  /** Null where the operation has none. */
  private Tensor residual;
  private Tensor dresidual;

  @Override
  protected String version() {
    return "Norma " + NativeLibrary.version();
  }

  @Override
  protected void prepare(Case measured, Inputs inputs) {
    if (measured.operation().normalization() == Normalization.BATCH) {
      prepareBatch(measured, inputs);
    } else {
      slices = new NormaSlices(measured, inputs, arena);
    }
    if (measured.pass() == Pass.BACKWARD_TRAINING) {
      forward();
    }
  }

  private void prepareBatch(Case measured, Inputs inputs) {
    var type = Types.of(measured.type());
    var shape = measured.shape();
    layer = BatchNorm.builder(shape.channels())
        .dataType(type)
        .epsilon(EPSILON)
        .updateWeight(UPDATE_WEIGHT)
        .activation(measured.operation().hasRelu() ? Activation.RELU : Activation.NONE)
        .threads(measured.threads())
        .build();
    layer.gamma().copyFrom(inputs.load("gamma", arena));
    layer.beta().copyFrom(inputs.load("beta", arena));
    layer.runningMean().copyFrom(inputs.load("running_mean", arena));
    layer.runningVar().copyFrom(inputs.load("running_var", arena));
    var layout = isChannelsLast(measured) ? Layout.CHANNELS_LAST : Layout.CHANNELS_FIRST;
    long[] extents = {shape.batch(), shape.channels(), shape.spatial()};
    x = Tensor.of(inputs.load("x", arena), type, layout, extents);
    y = Tensor.allocate(arena, type, layout, extents);
    if (measured.operation().hasResidual()) {
      residual = Tensor.of(inputs.load("residual", arena), type, layout, extents);
    }
    if (measured.pass() == Pass.BACKWARD_TRAINING) {
      dy = Tensor.of(inputs.load("dy", arena), type, layout, extents);
      dx = y; // The memory of y has done its work.
      dresidual = residual == null ? null : Tensor.allocate(arena, type, layout, extents);
    }
  }

  @Override
  protected void forward() {
    if (slices != null) {
      slices.forward();
    } else if (residual == null) {
      layer.forward(x, y);
    } else {
      layer.forward(x, residual, y);
    }
  }

  @Override
  protected void infer() {
    if (residual == null) {
      layer.infer(x, y);
    } else {
      layer.infer(x, residual, y);
    }
  }

  @Override
  protected void backward() {
    if (slices != null) {
      slices.backward();
    } else if (residual == null) {
      layer.backward(x, dy, dx);
    } else {
      layer.backward(x, residual, dy, dx, dresidual);
    }
  }

  @Override
  protected MemorySegment output(String name) {
    return slices != null ? slices.output(name) : outputOfBatch(name);
  }

  private MemorySegment outputOfBatch(String name) {
    return switch (name) {
      case "y" -> y.segment();
      case "dx" -> dx.segment();
      case "dresidual" -> dresidual.segment();
      case "dgamma" -> layer.gammaGradient();
      case "dbeta" -> layer.betaGradient();
      default -> throw new IllegalArgumentException("no output " + name);
    };
  }

  @Override
  protected void release() {
    if (layer != null) {
      layer.close();
    }
    if (slices != null) {
      slices.close();
    }
    arena.close();
  }
}
