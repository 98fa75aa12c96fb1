package dev.norma.djl;

import ai.djl.ndarray.NDManager;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.jni.JniUtils;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Optional;

/** One pass of a block on the tape: what its backward pass needs. */
final class Recorded {
  private final NDManager owner;
  private final SavedInput x;
  private final List<ParameterValue> affine;
  private final PtNDArray y;
  private final Pass pass;
  private boolean done;

  Recorded(NDManager owner, SavedInput x, List<ParameterValue> affine, PtNDArray y, Pass pass) {
    this.owner = owner;
    this.x = x;
    this.affine = affine;
    this.y = y;
    this.pass = pass;
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
    var daffine = affine.stream().map(parameter -> slot(parameter, scratch)).toList();
    pass.backward(x.memory(), dy, dx.memory(), daffine.stream().map(GradientSlot::memory).toList());
    done = true;
    daffine.forEach(GradientSlot::deliver);
    dx.deliver();
  }

  private static GradientSlot slot(ParameterValue parameter, NDManager scratch) {
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
