package dev.norma.benchmarks.jmh;

import dev.norma.GroupNorm;
import dev.norma.InstanceNorm;
import dev.norma.LayerNorm;
import dev.norma.Layout;
import dev.norma.RmsNorm;
import dev.norma.Tensor;
import dev.norma.benchmarks.Case;
import dev.norma.benchmarks.Normalization;
import dev.norma.benchmarks.Pass;
import dev.norma.benchmarks.Types;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.function.Supplier;

/** A {@link LayerNorm}, {@link RmsNorm}, {@link GroupNorm} or {@link InstanceNorm} and its tensors. */
final class NormaSlices {
  private final Tensor x;
  private final Tensor y;
  /** Null in forward passes. */
  private final Tensor dy;
  /** The memory of y, which has done its work when the backward pass begins. */
  private final Tensor dx;
  private final Runnable forward;
  private final Runnable backward;
  private final Supplier<MemorySegment> dgamma;
  private final Supplier<MemorySegment> dbeta;
  private final Runnable close;

  NormaSlices(Case measured, Inputs inputs, Arena arena) {
    x = tensor(measured, inputs.load("x", arena));
    y = tensor(measured, arena.allocate(measured.tensorBytes(), Inputs.ALIGNMENT));
    dy = measured.pass() == Pass.BACKWARD_TRAINING ? tensor(measured, inputs.load("dy", arena)) : null;
    dx = y;
    var type = Types.of(measured.type());
    long channels = measured.shape().channels();
    switch (measured.operation()) {
      case LAYER_NORM -> {
        var layer = LayerNorm.builder(channels)
            .dataType(type)
            .epsilon(BatchNormBenchmark.EPSILON)
            .threads(measured.threads())
            .build();
        layer.gamma().copyFrom(inputs.load("gamma", arena));
        layer.beta().copyFrom(inputs.load("beta", arena));
        forward = () -> layer.forward(x, y);
        backward = () -> layer.backward(x, dy, dx);
        dgamma = layer::gammaGradient;
        dbeta = layer::betaGradient;
        close = layer::close;
      }
      case RMS_NORM -> {
        var layer = RmsNorm.builder(channels)
            .dataType(type)
            .epsilon(BatchNormBenchmark.EPSILON)
            .threads(measured.threads())
            .build();
        layer.gamma().copyFrom(inputs.load("gamma", arena));
        forward = () -> layer.forward(x, y);
        backward = () -> layer.backward(x, dy, dx);
        dgamma = layer::gammaGradient;
        dbeta = () -> MemorySegment.NULL;
        close = layer::close;
      }
      case GROUP_NORM -> {
        var layer = GroupNorm.builder(measured.shape().groups(), channels)
            .dataType(type)
            .epsilon(BatchNormBenchmark.EPSILON)
            .threads(measured.threads())
            .build();
        layer.gamma().copyFrom(inputs.load("gamma", arena));
        layer.beta().copyFrom(inputs.load("beta", arena));
        forward = () -> layer.forward(x, y);
        backward = () -> layer.backward(x, dy, dx);
        dgamma = layer::gammaGradient;
        dbeta = layer::betaGradient;
        close = layer::close;
      }
      case INSTANCE_NORM -> {
        var layer = InstanceNorm.builder(channels)
            .dataType(type)
            .epsilon(BatchNormBenchmark.EPSILON)
            .affine(true)
            .threads(measured.threads())
            .build();
        layer.gamma().copyFrom(inputs.load("gamma", arena));
        layer.beta().copyFrom(inputs.load("beta", arena));
        forward = () -> layer.forward(x, y);
        backward = () -> layer.backward(x, dy, dx);
        dgamma = layer::gammaGradient;
        dbeta = layer::betaGradient;
        close = layer::close;
      }
      default -> throw new UnsupportedOperationException("no " + measured.operation());
    }
  }

  private static Tensor tensor(Case measured, MemorySegment memory) {
    var shape = measured.shape();
    var type = Types.of(measured.type());
    if (shape.normalization() == Normalization.LAYER) {
      return Tensor.rows(memory, type, shape.batch(), shape.channels());
    }
    var layout = BatchNormBenchmark.isChannelsLast(measured) ? Layout.CHANNELS_LAST : Layout.CHANNELS_FIRST;
    return Tensor.of(memory, type, layout, shape.batch(), shape.channels(), shape.spatial());
  }

  void forward() {
    forward.run();
  }

  void backward() {
    backward.run();
  }

  MemorySegment output(String name) {
    return switch (name) {
      case "y" -> y.segment();
      case "dx" -> dx.segment();
      case "dgamma" -> dgamma.get();
      case "dbeta" -> dbeta.get();
      default -> throw new IllegalArgumentException("no output " + name);
    };
  }

  void close() {
    close.run();
  }
}
