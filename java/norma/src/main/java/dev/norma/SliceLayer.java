package dev.norma;

import static java.lang.foreign.MemorySegment.NULL;

import java.lang.foreign.MemorySegment;

/**
 * A layer that normalizes slices of a tensor, such as rows, by their own statistics, in training as in inference.
 *
 * @param <D> the descriptors of its operations
 */
abstract class SliceLayer<D> extends Layer {
  private final ShapePlans<D> plans = new ShapePlans<>(this::isOf, this::describe, this::workspaceSize);
  final Workspace workspace = new Workspace();
  private final SavedStatistics saved;
  private D lastForward;

  /** With so many parameters; one that takes a mean off x, or not. */
  SliceLayer(LayerBuilder<?> builder, long parameters, boolean hasBeta, boolean hasMean) {
    super(builder, parameters, hasBeta);
    this.saved = new SavedStatistics(hasMean);
  }

  /** Refuses a tensor that is no input or output of the layer. */
  abstract void requireTensor(String name, Tensor tensor);

  /** Whether that is the descriptor of a tensor which is an input of the layer. */
  abstract boolean isOf(D norm, Tensor tensor);

  abstract D describe(Tensor tensor);

  abstract long workspaceSize(D norm);

  /** The size of an array with a statistic of each slice. */
  abstract long statisticsBytes(D norm);

  /** Normalizes; mean and invStd are NULL where they are not wanted. */
  abstract void normalize(
      D norm, MemorySegment x, MemorySegment y, MemorySegment mean, MemorySegment invStd, MemorySegment scratch);

  abstract void differentiate(
      D norm,
      MemorySegment x,
      MemorySegment dy,
      MemorySegment mean,
      MemorySegment invStd,
      MemorySegment dx,
      MemorySegment scratch);

  /**
   * Forward for training: normalizes by the statistics of x, and keeps them for the backward pass.
   *
   * @param x input
   * @param y output, like x; may be x, but then {@link #backward} needs a copy of x that the caller kept
   */
  public void forward(Tensor x, Tensor y) {
    guard.enterToWrite("forward");
    try {
      requireTensor("x", x);
      requireLike("y", y, x);
      var plan = plans.of(x);
      saved.reserve(statisticsBytes(plan.norm()));
      var scratch = workspace.own(plan.workspaceBytes());
      normalize(plan.norm(), x.segment(), y.segment(), saved.mean(), saved.invStd(), scratch);
      lastForward = plan.norm();
      follow(plan.norm(), saved.mean());
    } finally {
      guard.leaveWriting();
    }
  }

  /**
   * Forward for inference: normalizes and changes no state. May be called by several threads at once.
   *
   * @param x input
   * @param y output, like x; may be x
   */
  public void infer(Tensor x, Tensor y) {
    guard.enterToRead("infer");
    try {
      requireTensor("x", x);
      requireLike("y", y, x);
      evaluate(x, y);
    } finally {
      guard.leaveReading();
    }
  }

  /** Forward for inference of what is an input and an output of the layer. */
  void evaluate(Tensor x, Tensor y) {
    var plan = plans.of(x);
    var scratch = workspace.take(plan.workspaceBytes());
    try {
      normalize(plan.norm(), x.segment(), y.segment(), NULL, NULL, scratch);
    } finally {
      workspace.giveBack(scratch);
    }
  }

  /** After a forward pass for training, which found these means. */
  void follow(D norm, MemorySegment mean) {}

  /**
   * Backward through the last {@link #forward}: the gradient of a loss by x, by the formula of the class, and those by
   * the parameters, which overwrite the last ones.
   *
   * @param x the input of the last forward pass, as it was then
   * @param dy the gradient of the loss by y, like x
   * @param dx output, the gradient of the loss by x, like x; may be dy
   * @throws IllegalStateException if there was no forward pass
   */
  public void backward(Tensor x, Tensor dy, Tensor dx) {
    guard.enterToWrite("backward");
    try {
      requireTensor("x", x);
      requireLike("dy", dy, x);
      requireLike("dx", dx, x);
      var plan = plans.of(x);
      requireForwardOf(x, plan.norm());
      var scratch = workspace.own(plan.workspaceBytes());
      differentiate(
          plan.norm(), x.segment(), dy.segment(), saved.mean(), saved.invStd(), dx.segment(), scratch);
      gradientsAreThere();
    } finally {
      guard.leaveWriting();
    }
  }

  private void requireForwardOf(Tensor x, D norm) {
    if (lastForward == null) {
      throw new IllegalStateException("backward needs a forward pass before it");
    }
    if (!norm.equals(lastForward)) {
      throw new IllegalArgumentException("x is %s, but the last forward pass was of %s".formatted(x, lastForward));
    }
  }

  @Override
  void forgetForward() {
    lastForward = null;
  }

  @Override
  void free() {
    workspace.close();
    saved.close();
  }
}
