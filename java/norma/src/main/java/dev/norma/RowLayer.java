package dev.norma;

import java.nio.file.Path;
import java.util.Optional;

/** A layer that normalizes rows: the last axes of a tensor. */
abstract class RowLayer extends SliceLayer<LayerNormDescriptor> {
  private final NormalizedShape shape;
  private final int threads;

  /** One that takes a mean off x, or not. */
  RowLayer(LayerBuilder<?> builder, NormalizedShape shape, boolean hasBeta, boolean hasMean) {
    super(builder, shape.length(), hasBeta, hasMean);
    this.shape = shape;
    this.threads = builder.threads();
  }

  /**
   * The last extents of tensors, in the order of memory, whose elements are normalized together and have a parameter
   * each.
   *
   * @return a copy
   */
  public long[] normalizedShape() {
    return shape.extents();
  }

  /**
   * The number of elements that are normalized together, which is that of the parameters.
   *
   * @return L, the product of {@link #normalizedShape}
   */
  public long length() {
    return shape.length();
  }

  @Override
  final void requireTensor(String name, Tensor tensor) {
    shape.requireRows(name, tensor, dataType());
  }

  @Override
  final boolean isOf(LayerNormDescriptor norm, Tensor tensor) {
    return norm.isOf(tensor);
  }

  @Override
  final LayerNormDescriptor describe(Tensor tensor) {
    return new LayerNormDescriptor(shape.rowsOf(tensor), shape.length(), epsilon(), dataType(), threads);
  }

  @Override
  final long workspaceSize(LayerNormDescriptor norm) {
    return kernels.workspaceSize(norm);
  }

  @Override
  final long statisticsBytes(LayerNormDescriptor norm) {
    return norm.statisticsBytes();
  }

  @Override
  final LayerFile file(Path file) {
    return new LayerFile(file, epsilon(), dataType(), shape.extents(), affine, Optional.empty());
  }
}
