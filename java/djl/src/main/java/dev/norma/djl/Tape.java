package dev.norma.djl;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtEngine;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.jni.JniUtils;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The passes of blocks that one gradient collector has seen, in their order, and all memory that their backward passes
 * need. It belongs to the thread that opened it, as the engine's own recording does.
 *
 * <p>The engine has no way to add an operation with a gradient of its own. So its graph is cut at the output of every
 * block: the output is a leaf of the engine's graph, where the engine collects the gradient dy. The engine's backward
 * pass from the loss ends at these leaves. The tape then goes through its records from the last to the first: it lets
 * the kernels compute dx, dgamma and dbeta from dy, and lets the engine continue from x with dx. Everything that uses
 * the output of a record has either been passed by the engine's first backward pass or is the input of a later record,
 * so dy is complete when its turn comes.
 */
final class Tape implements AutoCloseable {
  private static final ThreadLocal<Tape> CURRENT = new ThreadLocal<>();

  private final NDManager manager = NDManager.newBaseManager(Device.cpu(), PtEngine.ENGINE_NAME);
  private final Arena arena = Arena.ofConfined();
  private final List<Recorded> records = new ArrayList<>();

  private Tape() {}

  /** Opens the tape of this thread. */
  static Tape open() {
    var tape = new Tape();
    CURRENT.set(tape);
    return tape;
  }

  /** The open tape of this thread. */
  static Optional<Tape> current() {
    return Optional.ofNullable(CURRENT.get());
  }

  /**
   * The open tape of this thread, for a pass: one for training needs it.
   *
   * @throws IllegalStateException if it is for training, and none is open
   */
  static Optional<Tape> of(boolean training) {
    Optional<Tape> open = current();
    if (training && open.isEmpty()) {
      throw new IllegalStateException(
          "a training pass needs Norma's gradient collector: train with NormaTrainer.of(model, config)"
              + " in place of model.newTrainer(config), or open a NormaGradientCollector");
    }
    return open;
  }

  /** Keeps an input until the tape is closed. */
  SavedInput save(PtNDArray x) {
    return new SavedInput(x, this);
  }

  /** Takes an array over from its manager and scope: it lives until the tape is closed. */
  PtNDArray keep(NDArray array) {
    array.attach(manager);
    NDScope.unregister(array);
    return (PtNDArray) array;
  }

  /** So many statistics, alive until the tape is closed. */
  MemorySegment statistics(long count) {
    return arena.allocate(ValueLayout.JAVA_DOUBLE, count);
  }

  /** The same where there is a tape; else NULL, for statistics that are not wanted. */
  static MemorySegment statistics(Optional<Tape> tape, long count) {
    return tape.map(open -> open.statistics(count)).orElse(MemorySegment.NULL);
  }

  /** A copy of parameters, alive until the tape is closed. */
  MemorySegment copy(ParameterValue parameter) {
    MemorySegment memory = parameter.memory();
    return arena.allocate(memory.byteSize(), Double.BYTES).copyFrom(memory);
  }

  /**
   * Records a pass if anything wants a gradient from it.
   *
   * <p>The caller gets a view of the leaf. The view is the result of a split into one part, whose gradient the engine
   * assembles in memory of its own. A plain view's gradient can share memory with the gradient of another array, and
   * what the engine later adds to that one would appear in this one.
   *
   * @param affine gamma, and beta if there is one
   * @param y the output, in a manager of the caller
   * @return what the caller gets as output, in the same manager
   */
  PtNDArray record(SavedInput x, List<ParameterValue> affine, PtNDArray y, Pass pass) {
    if (!x.wantsGradient() && affine.stream().noneMatch(ParameterValue::wantsGradient)) {
      return y;
    }
    NDManager caller = y.getManager();
    keep(y).setRequiresGradient(true);
    records.add(new Recorded(manager, x, affine, y, pass));
    var output = (PtNDArray) JniUtils.split(y, y.getShape().get(0), 0).singletonOrThrow();
    output.attach(caller);
    return output;
  }

  /** Adds the gradients of a target to all that it depends on. */
  void backward(PtNDArray target) {
    records.forEach(Recorded::clear);
    try (NDManager scratch = manager.newSubManager()) {
      Shape shape = target.getShape();
      var seed = (PtNDArray) scratch.ones(shape, target.getDataType());
      JniUtils.backward(target, seed, !records.isEmpty(), false);
    }
    records.reversed().forEach(Recorded::backward);
  }

  @Override
  public void close() {
    arena.close();
    CURRENT.remove();
    records.clear();
    manager.close();
  }
}
