package dev.norma.djl;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtNDArray;
import dev.norma.BatchNormDescriptor;
import dev.norma.DataType;
import dev.norma.GroupNormDescriptor;
import dev.norma.LayerNormDescriptor;
import dev.norma.Layout;

/** What blocks accept as input, and how the kernels see it. */
final class Inputs {
  private Inputs() {}

  /**
   * The input as an array of the engine.
   *
   * @throws IllegalArgumentException if it is of another engine, not in the main memory, sparse, or of another data
   * type
   */
  static PtNDArray require(NDArray input) {
    if (!(input instanceof PtNDArray array)) {
      throw new IllegalArgumentException(
          "the input must be an array of the PyTorch engine, not a " + input.getClass().getSimpleName());
    }
    if (!"cpu".equals(array.getDevice().getDeviceType())) {
      throw new IllegalArgumentException(
          "the input must be on the CPU, not on %s: use Device.cpu()".formatted(array.getDevice()));
    }
    if (array.isSparse()) {
      throw new IllegalArgumentException("the input must be dense, not " + array.getSparseFormat());
    }
    dataType(array);
    return array;
  }

  /**
   * The input as N x C x S. Every value of a channel is treated alike, so it does not matter which axes precede the
   * channel's and which follow it: with N the product of the extents before and S of those after, a contiguous array
   * is channels first for any axis.
   *
   * @throws IllegalArgumentException if the input does not fit the parameters
   */
  static BatchNormDescriptor batchNorm(PtNDArray x, int axis, ParameterValue gamma, Settings settings) {
    Shape shape = x.getShape();
    if (shape.dimension() < 2 || axis >= shape.dimension()) {
      throw new IllegalArgumentException(
          "the input must have at least 2 dimensions and the channels on axis %d, not shape %s"
              .formatted(axis, shape));
    }
    requireChannels(x, axis, gamma);
    return new BatchNormDescriptor(
        shape.slice(0, axis).size(),
        shape.get(axis),
        shape.slice(axis + 1).size(),
        settings.epsilon(),
        dataType(x),
        Layout.CHANNELS_FIRST,
        settings.threads());
  }

  /**
   * The input as N x C x S, with the channels on axis 1, in so many groups.
   *
   * @throws IllegalArgumentException if the input does not fit the parameters
   */
  static GroupNormDescriptor groupNorm(PtNDArray x, long groups, ParameterValue gamma, Settings settings) {
    BatchNormDescriptor tensor = batchNorm(x, 1, gamma, settings);
    return new GroupNormDescriptor(
        tensor.batch(),
        tensor.channels(),
        tensor.spatial(),
        groups,
        tensor.epsilon(),
        tensor.dataType(),
        tensor.layout(),
        tensor.threads());
  }

  /**
   * The input as rows of the normalized shape, one after the other.
   *
   * @throws IllegalArgumentException if the input does not fit the parameters, which have the normalized shape
   */
  static LayerNormDescriptor rows(PtNDArray x, Shape normalized, ParameterValue gamma, Settings settings) {
    Shape shape = x.getShape();
    int before = shape.dimension() - normalized.dimension();
    if (before < 0 || !shape.slice(before).equals(normalized)) {
      throw new IllegalArgumentException(
          "the last axes of the input must be %s, for which the block was initialized; its shape is %s"
              .formatted(normalized, shape));
    }
    requireDataType(x, gamma);
    return new LayerNormDescriptor(
        shape.slice(0, before).size(), normalized.size(), settings.epsilon(), dataType(x), settings.threads());
  }

  private static void requireChannels(PtNDArray x, int axis, ParameterValue gamma) {
    long channels = gamma.array().size();
    if (x.getShape().get(axis) != channels) {
      throw new IllegalArgumentException(
          "the input has %d channels (axis %d of %s), the block was initialized for %d"
              .formatted(x.getShape().get(axis), axis, x.getShape(), channels));
    }
    requireDataType(x, gamma);
  }

  private static void requireDataType(PtNDArray x, ParameterValue gamma) {
    if (x.getDataType() != gamma.array().getDataType()) {
      throw new IllegalArgumentException(
          "the input is %s, the parameters are %s: set the model's data type, or convert the input"
              .formatted(x.getDataType(), gamma.array().getDataType()));
    }
  }

  private static DataType dataType(PtNDArray array) {
    return switch (array.getDataType()) {
      case FLOAT32 -> DataType.FLOAT32;
      case FLOAT64 -> DataType.FLOAT64;
      default ->
          throw new IllegalArgumentException("the input must be FLOAT32 or FLOAT64, not " + array.getDataType());
    };
  }
}
