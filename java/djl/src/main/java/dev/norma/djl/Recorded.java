package dev.norma.djl;

import ai.djl.ndarray.NDManager;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.jni.JniUtils;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;

/** One pass of a block on the tape: what its backward pass needs. */
final class Recorded {

  /** The kernels' part of the backward pass; it holds what the forward pass saved. */
  @FunctionalInterface
  interface Backward {
    void run(MemorySegment dy, MemorySegment dx, MemorySegment dgamma, MemorySegment dbeta);
  }

  private final NDManager owner;
  private final SavedInput x;
  private final Parameters parameters;
  private final PtNDArray y;
  private final Backward backward;
  private boolean done;

  Recorded(NDManager owner, SavedInput x, Parameters parameters, PtNDArray y, Backward backward) {
    this.owner = owner;
    this.x = x;
    this.parameters = parameters;
    this.y = y;
    this.backward = backward;
  }

  /** Makes room for the gradients of another backward pass; those of the last one have been passed on. */
  void clear() {
    if (done) {
      JniUtils.zeroGrad(y);
    }
  }

  /** Runs the backward pass if gradients have reached the output. */
  void backward() {
    try (NDManager scratch = owner.newSubManager()) {
      gradient(scratch).ifPresent(dy -> backward(dy, scratch));
    }
  }

  private void backward(MemorySegment dy, NDManager scratch) {
    x.requireUnchanged();
    var dx = new GradientSlot(x.wantsGradient(), x.view(), scratch);
    var dgamma = slot(parameters.gamma(), scratch);
    var dbeta = slot(parameters.beta(), scratch);
    backward.run(dy, dx.memory(), dgamma.memory(), dbeta.memory());
    done = true;
    dgamma.deliver();
    dbeta.deliver();
    dx.deliver();
  }

  private static GradientSlot slot(Parameters.Value parameter, NDManager scratch) {
    return new GradientSlot(parameter.wantsGradient(), parameter.array(), scratch);
  }

  private Optional<MemorySegment> gradient(NDManager scratch) {
    Optional<PtNDArray> gradient = Optional.ofNullable(JniUtils.getGradient(y));
    gradient.ifPresent(array -> array.attach(scratch));
    // After the first time the gradient is never absent: where it stayed zero, this pass has no part in the target.
    return gradient.map(ArrayMemory::values).filter(dy -> !(done && isZero(dy)));
  }

  /** Whether all bits are zero: the first byte is, and every other byte equals the one before it. */
  private static boolean isZero(MemorySegment memory) {
    return memory.get(ValueLayout.JAVA_BYTE, 0) == 0
        && memory.asSlice(1).mismatch(memory.asSlice(0, memory.byteSize() - 1)) < 0;
  }
}
