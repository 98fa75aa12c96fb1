package dev.norma;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Objects;

/** What all layers have: gamma, its gradient, who may use it when, a file, an end. */
abstract class Layer implements AutoCloseable {
  final Kernels kernels;
  final LayerGuard guard = new LayerGuard();
  final LayerMemory memory = new LayerMemory();
  final Affine affine;
  private final DataType dataType;
  private final double epsilon;
  private boolean hasGradients;

  Layer(LayerBuilder<?> builder, long parameters, boolean hasBeta) {
    this.kernels = builder.kernels();
    this.dataType = builder.dataType();
    this.epsilon = builder.epsilon();
    this.affine = new Affine(memory, dataType, parameters, builder.affine(), builder.affine() && hasBeta);
  }

  /** What this layer has without {@link LayerBuilder#affine}, in the words of an error. */
  String parameterNames() {
    return "gamma and beta";
  }

  /** The state as a file has it. */
  abstract LayerFile file(Path file);

  /** Forgets the last forward pass: its gradients would not be those of what was loaded. */
  abstract void forgetForward();

  /** Frees what the layer has beside its state. */
  abstract void free();

  /** After a backward pass: a step may follow. */
  final void gradientsAreThere() {
    hasGradients = true;
  }

  /**
   * Changes gamma and beta by their gradients of the last backward pass. The layer keeps the velocities that a rule
   * with momentum needs; a rule without leaves them alone.
   *
   * @param rule the learning rate, and how to use it
   * @throws IllegalStateException if there was no backward pass, or the layer has no parameters
   */
  public void step(GradientDescent rule) {
    Objects.requireNonNull(rule, "rule");
    guard.enterToWrite("step");
    try {
      requireAffine("step");
      if (!hasGradients) {
        throw new IllegalStateException("step needs a backward pass before it");
      }
      affine.step(kernels, rule);
    } finally {
      guard.leaveWriting();
    }
  }

  private void requireAffine(String what) {
    if (!affine.hasGamma()) {
      throw new IllegalStateException(what + ": the layer was built without " + parameterNames());
    }
  }

  /**
   * The type of tensors, which decides the type of the parameters.
   *
   * @return the data type
   */
  public DataType dataType() {
    return dataType;
  }

  /**
   * What is added to the variance, or to the mean square.
   *
   * @return epsilon
   */
  public double epsilon() {
    return epsilon;
  }

  /**
   * The scales, ones at first: a live view of as many parameters of the data type's {@link DataType#parameterType} as
   * the layer has, which may be written while no call is running. Like all views it ends with the layer.
   *
   * @return gamma
   * @throws IllegalStateException if the layer has none, or is closed
   */
  public MemorySegment gamma() {
    return parameter("gamma", affine.gamma);
  }

  /**
   * The gradient by gamma of the last backward pass: a live view, as {@link #gamma}.
   *
   * @return dgamma
   * @throws IllegalStateException if the layer has none, or is closed
   */
  public MemorySegment gammaGradient() {
    return parameter("gammaGradient", affine.gammaGradient);
  }

  /** A view of what belongs to gamma or beta. */
  final MemorySegment parameter(String what, MemorySegment segment) {
    guard.requireOpen(what);
    requireAffine(what);
    if (segment.address() == 0) {
      throw new IllegalStateException(what + ": the layer was built without beta");
    }
    return memory.lend(segment);
  }

  /** A view of another part of the state. */
  final MemorySegment view(String what, MemorySegment segment) {
    guard.requireOpen(what);
    return memory.lend(segment);
  }

  /**
   * Writes the state to a file in the safetensors format, under the names that PyTorch has for it: {@code weight}
   * (gamma), {@code bias} (beta), and, of a layer with running statistics, {@code running_mean}, {@code running_var}
   * and {@code num_batches_tracked}. Once a step with momentum was made, the velocities are there as {@code
   * velocity.weight} and {@code velocity.bias}. The metadata holds epsilon, and the rule of running statistics and the
   * count of refused batches where there are any.
   *
   * <p>The file is replaced in one step: at no time can it be seen half written.
   *
   * @param file an existing file is replaced
   * @throws java.io.UncheckedIOException if it cannot be written; an existing file is as it was
   */
  public void save(Path file) {
    guard.enterToRead("save");
    try {
      file(file).save();
    } finally {
      guard.leaveReading();
    }
  }

  /**
   * Reads the state from a file that {@link #save} wrote, or one from PyTorch with the same names. All of the state is
   * taken, or nothing.
   *
   * @param file in the safetensors format, with tensors of this layer's shape and data type
   * @throws MalformedFileException if it is truncated, malformed, lacks a tensor, has one of another type or shape, or
   *     was saved with another epsilon; the message says which
   * @throws java.io.UncheckedIOException if it cannot be read
   */
  public void load(Path file) {
    guard.enterToWrite("load");
    try {
      file(file).load();
      forgetForward();
      hasGradients = false;
    } finally {
      guard.leaveWriting();
    }
  }

  /**
   * Frees the memory of the layer and ends all its views. A second call does nothing.
   *
   * @throws java.util.ConcurrentModificationException if another thread is using the layer, which stays open then
   */
  @Override
  public void close() {
    if (guard.close()) {
      free();
      memory.close();
    }
  }

  static void requireLike(String name, Tensor tensor, Tensor x) {
    requireLike(name, tensor, "x", x);
  }

  static void requireLike(String name, Tensor tensor, String otherName, Tensor other) {
    if (!Objects.requireNonNull(tensor, name).isLike(other)) {
      throw new IllegalArgumentException("%s is %s, but %s is %s".formatted(name, tensor, otherName, other));
    }
  }
}
