package dev.norma;

import java.util.Objects;

/** What is fixed when a layer is built. */
record BatchNormSettings(
    long channels,
    DataType dataType,
    double epsilon,
    RunningRule runningRule,
    Activation activation,
    int threads) {
  BatchNormSettings {
    if (channels > Long.MAX_VALUE / Double.BYTES) {
      throw new IllegalArgumentException("too many channels: " + channels);
    }
  }

  /** Refuses a tensor that is no input or output of the layer. */
  void requireTensor(String name, Tensor tensor) {
    Objects.requireNonNull(tensor, name);
    if (tensor.dataType() != dataType || tensor.channels() != channels) {
      throw new IllegalArgumentException(
          "%s is %s, but the layer has %d channels of %s".formatted(name, tensor, channels, dataType));
    }
  }

  /** Refuses weights of a layer whose output is no input of this one. */
  void requireWeights(Tensor weights) {
    Objects.requireNonNull(weights, "weights");
    if (weights.dataType() != dataType || weights.batch() != channels) {
      throw new IllegalArgumentException(
          "weights is %s, but the layer has %d channels of %s: they are the first extent of the weights"
              .formatted(weights, channels, dataType));
    }
  }
}
