package dev.norma.djl;

import dev.norma.Kernels;
import java.util.function.Supplier;

/**
 * The options that every block has.
 *
 * @param <B> the builder itself
 */
abstract class BlockBuilder<B extends BlockBuilder<B>> {
  private float epsilon = 1e-5f;
  private boolean scale = true;
  private int threads;
  private Supplier<Kernels> kernels = Kernels::nativeKernels;

  abstract B self();

  /**
   * Whether gamma is trained.
   *
   * @param value false leaves gamma as initialized; default true
   * @return this
   */
  public B optScale(boolean value) {
    scale = value;
    return self();
  }

  /**
   * What is added to the variance, or to the mean square.
   *
   * @param value at least 0 and finite; default 1e-5
   * @return this
   * @throws IllegalArgumentException if it is out of range
   */
  public B optEpsilon(float value) {
    if (!(value >= 0 && value < Float.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException("epsilon must be at least 0 and finite, not " + value);
    }
    epsilon = value;
    return self();
  }

  /**
   * The largest number of threads that one call of a kernel uses.
   *
   * @param value at least 0; default 0, which leaves it to the OpenMP runtime
   * @return this
   * @throws IllegalArgumentException if it is negative
   */
  public B optThreads(int value) {
    if (value < 0) {
      throw new IllegalArgumentException("threads must be at least 0, not " + value);
    }
    threads = value;
    return self();
  }

  /**
   * The kernels that compute: {@code Kernels::checked} compares every result with the reference.
   *
   * @param value asked once, after the engine's library is loaded; default {@code Kernels::nativeKernels}
   * @return this
   */
  public B optKernels(Supplier<Kernels> value) {
    kernels = value;
    return self();
  }

  final boolean scale() {
    return scale;
  }

  /** Loads the engine and then the kernels. */
  final Settings settings() {
    return new Settings(epsilon, threads, EngineFirst.load(kernels));
  }
}
