package dev.norma.djl;

import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import dev.norma.Kernels;
import java.util.EnumSet;
import java.util.function.Supplier;
import java.util.stream.Stream;

/** Normalizations of samples by their own statistics, each by Norma and by the engine. */
enum Norm {
  LAYER {
    @Override
    Block norma(float epsilon, Supplier<Kernels> kernels) {
      return NormaLayerNorm.builder().optEpsilon(epsilon).optKernels(kernels).build();
    }
  },

  RMS {
    @Override
    Block norma(float epsilon, Supplier<Kernels> kernels) {
      return NormaRmsNorm.builder().optEpsilon(epsilon).optKernels(kernels).build();
    }
  },

  /** Of two groups. */
  GROUP {
    @Override
    Block norma(float epsilon, Supplier<Kernels> kernels) {
      return NormaGroupNorm.builder().setGroups(2).optEpsilon(epsilon).optKernels(kernels).build();
    }
  },

  INSTANCE {
    @Override
    Block norma(float epsilon, Supplier<Kernels> kernels) {
      return NormaInstanceNorm.builder().optEpsilon(epsilon).optKernels(kernels).build();
    }
  };

  private static final float EPSILON = 1e-5f;

  abstract Block norma(float epsilon, Supplier<Kernels> kernels);

  Block norma(float epsilon) {
    return norma(epsilon, Kernels::nativeKernels);
  }

  Block norma() {
    return norma(EPSILON);
  }

  Block engine(float epsilon) {
    return new EngineNorm(this, epsilon);
  }

  Block engine() {
    return engine(EPSILON);
  }

  private boolean ofRows() {
    return this == LAYER || this == RMS;
  }

  /** Shapes of inputs, of which the first is small. */
  Stream<Shape> shapes() {
    return switch (this) {
      case LAYER, RMS ->
          Stream.of(
              new Shape(5, 6), new Shape(3, 4, 7), new Shape(16, 33), new Shape(1, 100), new Shape(2, 3, 4, 5));
      case GROUP ->
          Stream.of(
              new Shape(5, 6), new Shape(3, 4, 7), new Shape(2, 2, 5), new Shape(1, 6, 4, 5), new Shape(2, 4, 2, 3, 4));
      case INSTANCE ->
          Stream.of(
              new Shape(2, 3, 5),
              new Shape(3, 4, 7),
              new Shape(1, 1, 40),
              new Shape(2, 3, 4, 5),
              new Shape(2, 2, 2, 3, 4));
    };
  }

  /** The networks that it fits, by their channels and positions. */
  Stream<Nets> nets() {
    return switch (this) {
      case LAYER -> Stream.of(Nets.values());
      case RMS -> Stream.of(Nets.PERCEPTRON, Nets.RESHAPED_BRANCHES);
      case GROUP -> EnumSet.complementOf(EnumSet.of(Nets.RESHAPED_BRANCHES)).stream();
      case INSTANCE -> Stream.of(Nets.SEQUENCE, Nets.RESHAPED_BRANCHES);
    };
  }

  /** The method of the kernels that goes forward. */
  String forward() {
    return kernel() + "Forward";
  }

  String backward() {
    return kernel() + "Backward";
  }

  private String kernel() {
    return switch (this) {
      case LAYER -> "layerNorm";
      case RMS -> "rmsNorm";
      case GROUP, INSTANCE -> "groupNorm";
    };
  }

  boolean hasMean() {
    return this != RMS;
  }

  boolean hasBeta() {
    return this != RMS;
  }

  /** How many samples an array has, one after the other. */
  long samples(Shape shape) {
    return switch (this) {
      case LAYER, RMS -> shape.get(0);
      case GROUP -> 2 * shape.get(0);
      case INSTANCE -> shape.get(0) * shape.get(1);
    };
  }

  Shape parameterShape(Shape shape) {
    return ofRows() ? shape.slice(1) : shape.slice(1, 2);
  }

  /** The parameter of an element. */
  int parameter(Shape shape, int index) {
    long positions = ofRows() ? 1 : shape.slice(2).size();
    return Math.toIntExact(index / positions % parameterShape(shape).size());
  }
}
