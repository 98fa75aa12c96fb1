package dev.norma.djl;

import ai.djl.ndarray.NDManager;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.jni.JniUtils;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/** Where the kernels write the gradient by one array, or nowhere if that array wants none. */
final class GradientSlot {
  private final PtNDArray target;
  private final Optional<PtNDArray> gradient;

  /** An array like the target, in the given manager, if a gradient is wanted. */
  GradientSlot(boolean wanted, PtNDArray target, NDManager owner) {
    this.target = target;
    this.gradient =
        wanted
            ? Optional.of((PtNDArray) owner.create(target.getShape(), target.getDataType()))
            : Optional.empty();
  }

  /** The memory for the kernels to write, NULL if no gradient is wanted. */
  MemorySegment memory() {
    return gradient.map(ArrayMemory::own).orElse(MemorySegment.NULL);
  }

  /** Adds the gradient to the target's, and lets the engine pass it on to whatever the target was computed from. */
  void deliver() {
    gradient.ifPresent(value -> JniUtils.backward(target, value, true, false));
  }
}
