package dev.norma.djl;

import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import dev.norma.Kernels;
import java.util.function.Supplier;
import java.util.stream.Stream;

/** Normalizations of samples by their own statistics, each by Norma and by the engine. */
enum Norm {
  LAYER(true) {
    @Override
    Block norma(float epsilon, Supplier<Kernels> kernels) {
      return NormaLayerNorm.builder().optEpsilon(epsilon).optKernels(kernels).build();
    }
  },

  RMS(false) {
    @Override
    Block norma(float epsilon, Supplier<Kernels> kernels) {
      return NormaRmsNorm.builder().optEpsilon(epsilon).optKernels(kernels).build();
    }
  };

  private static final float EPSILON = 1e-5f;

  private final boolean centered;

  Norm(boolean centered) {
    this.centered = centered;
  }

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

  /** Shapes of inputs, of which the first is small. */
  Stream<Shape> shapes() {
    return Stream.of(
        new Shape(5, 6), new Shape(3, 4, 7), new Shape(16, 33), new Shape(1, 100), new Shape(2, 3, 4, 5));
  }

  /** The networks that it fits. */
  Stream<Nets> nets() {
    return Stream.of(Nets.values());
  }

  boolean hasMean() {
    return centered;
  }

  boolean hasBeta() {
    return centered;
  }

  /** How many samples an array has, one after the other. */
  long samples(Shape shape) {
    return shape.get(0);
  }

  Shape parameterShape(Shape shape) {
    return shape.slice(1);
  }

  /** The parameter of an element. */
  int parameter(Shape shape, int index) {
    return index % Math.toIntExact(shape.slice(1).size());
  }
}
