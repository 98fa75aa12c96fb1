package dev.norma;

import java.lang.foreign.MemorySegment;
import java.util.Objects;

/** A layer that normalizes groups of channels of each image. */
abstract class GroupLayer extends SliceLayer<GroupNormDescriptor> {
  private final long channels;
  private final long groups;
  private final int threads;

  GroupLayer(LayerBuilder<?> builder, long channels, long groups) {
    super(builder, channels, true, true);
    this.channels = channels;
    this.groups = groups;
    this.threads = builder.threads();
  }

  static long requireChannels(long channels) {
    if (channels < 1) {
      throw new IllegalArgumentException("channels must be at least 1, not " + channels);
    }
    if (channels > Long.MAX_VALUE / Double.BYTES) {
      throw new IllegalArgumentException("too many channels: " + channels);
    }
    return channels;
  }

  /**
   * The number of channels, which is that of the parameters.
   *
   * @return C
   */
  public long channels() {
    return channels;
  }

  /**
   * The shifts of the channels, zeros at first: a live view of C parameters, as {@link #gamma}.
   *
   * @return beta
   * @throws IllegalStateException if the layer has none, or is closed
   */
  public MemorySegment beta() {
    return parameter("beta", affine.beta);
  }

  /**
   * The gradient by beta of the last backward pass: a live view, as {@link #gamma}.
   *
   * @return dbeta
   * @throws IllegalStateException if the layer has none, or is closed
   */
  public MemorySegment betaGradient() {
    return parameter("betaGradient", affine.betaGradient);
  }

  final long groupsOfImage() {
    return groups;
  }

  final int threads() {
    return threads;
  }

  @Override
  final void requireTensor(String name, Tensor tensor) {
    Objects.requireNonNull(tensor, name);
    if (tensor.dataType() != dataType() || tensor.channels() != channels) {
      throw new IllegalArgumentException(
          "%s is %s, but the layer has %d channels of %s".formatted(name, tensor, channels, dataType()));
    }
  }

  @Override
  final boolean isOf(GroupNormDescriptor norm, Tensor tensor) {
    return norm.isOf(tensor);
  }

  @Override
  GroupNormDescriptor describe(Tensor tensor) {
    return GroupNormDescriptor.of(tensor, groups, epsilon(), threads);
  }

  @Override
  final long workspaceSize(GroupNormDescriptor norm) {
    return kernels.workspaceSize(norm);
  }

  @Override
  final long statisticsBytes(GroupNormDescriptor norm) {
    return norm.statisticsBytes();
  }

  @Override
  final void differentiate(
      GroupNormDescriptor norm,
      MemorySegment x,
      MemorySegment dy,
      MemorySegment mean,
      MemorySegment invStd,
      MemorySegment dx,
      MemorySegment scratch) {
    kernels.groupNormBackward(
        norm, x, dy, affine.gamma, mean, invStd, dx, affine.gammaGradient, affine.betaGradient, scratch);
  }
}
