package dev.norma.djl;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.util.Random;
import java.util.stream.IntStream;

/** Random values for one layer; they are representable in the data type. */
record Sample(
    Shape shape, int axis, DataType type, double[] x, double[] dy, double[] gamma, double[] beta) {

  /** Values about 3, so that the mean matters, with gamma about 1 and beta about 0. */
  static Sample of(Shape shape, int axis, DataType type, long seed) {
    return of(shape, axis, type, Math.toIntExact(shape.get(axis)), seed);
  }

  /** The same for a normalization of samples. */
  static Sample of(Shape shape, Norm norm, DataType type, long seed) {
    return of(shape, 1, type, Math.toIntExact(norm.parameterShape(shape).size()), seed);
  }

  private static Sample of(Shape shape, int axis, DataType type, int parameters, long seed) {
    var random = new Random(seed);
    int size = Math.toIntExact(shape.size());
    return new Sample(
        shape,
        axis,
        type,
        values(random, size, 3, 2, type),
        values(random, size, 0, 1, type),
        values(random, parameters, 1, 0.3, type),
        values(random, parameters, 0, 0.3, type));
  }

  private static double[] values(Random random, int count, double mean, double deviation, DataType type) {
    return IntStream.range(0, count)
        .mapToDouble(i -> mean + deviation * random.nextGaussian())
        .map(value -> type == DataType.FLOAT32 ? (float) value : value)
        .toArray();
  }

  int channels() {
    return gamma.length;
  }

  int valuesPerChannel() {
    return x.length / gamma.length;
  }

  /** The channel of an element. */
  int channel(int index) {
    return index / Math.toIntExact(shape.slice(axis + 1).size()) % channels();
  }

  NDArray input(NDManager manager) {
    return array(manager, x, shape, type);
  }

  NDArray outputGradient(NDManager manager) {
    return array(manager, dy, shape, type);
  }

  static NDArray array(NDManager manager, double[] values, Shape shape, DataType type) {
    return manager.create(values, shape).toType(type, false);
  }
}
