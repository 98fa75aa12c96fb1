package dev.norma;

import java.util.Objects;
import java.util.function.Supplier;

/** What is said of every layer before it is built. */
abstract class LayerBuilder<B extends LayerBuilder<B>> {
  private DataType dataType = DataType.FLOAT32;
  private double epsilon = 1e-5;
  private boolean affine = true;
  private int threads;
  private Supplier<Kernels> kernels = Kernels::nativeKernels;

  LayerBuilder() {}

  /** This builder as what it is. */
  abstract B self();

  /**
   * The type of tensors, which decides that of the parameters; {@link DataType#FLOAT32} if not set.
   *
   * @param dataType the data type
   * @return this builder
   */
  public B dataType(DataType dataType) {
    this.dataType = Objects.requireNonNull(dataType, "dataType");
    return self();
  }

  /**
   * What is added to the variance, or to the mean square.
   *
   * @param epsilon at least 0 and finite
   * @return this builder
   * @throws IllegalArgumentException if it is negative, infinite or NaN
   */
  public B epsilon(double epsilon) {
    this.epsilon = BatchNormDescriptor.requireEpsilon(epsilon);
    return self();
  }

  /**
   * Whether the layer has parameters to train, such as gamma and beta.
   *
   * @param affine false for a layer that only normalizes
   * @return this builder
   */
  public B affine(boolean affine) {
    this.affine = affine;
    return self();
  }

  /**
   * The largest number of threads of one call. A program that calls from many threads should ask for few.
   *
   * @param threads 0, if not set, is the default of the OpenMP runtime
   * @return this builder
   * @throws IllegalArgumentException if it is negative
   */
  public B threads(int threads) {
    if (threads < 0) {
      throw new IllegalArgumentException("threads must be at least 0, not " + threads);
    }
    this.threads = threads;
    return self();
  }

  /**
   * Who computes: {@link Kernels#nativeKernels}, if not set; {@link Kernels#checked} compares every result with the
   * reference.
   *
   * @param kernels the kernels
   * @return this builder
   */
  public B kernels(Kernels kernels) {
    Objects.requireNonNull(kernels, "kernels");
    this.kernels = () -> kernels;
    return self();
  }

  final DataType dataType() {
    return dataType;
  }

  final double epsilon() {
    return epsilon;
  }

  final boolean affine() {
    return affine;
  }

  final int threads() {
    return threads;
  }

  final Kernels kernels() {
    return kernels.get();
  }
}
