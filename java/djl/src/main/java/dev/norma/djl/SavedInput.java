package dev.norma.djl;

import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.jni.JniUtils;
import java.lang.foreign.MemorySegment;

/**
 * The input of a recorded pass, kept for its backward pass. The record holds a view of its own, so that it does not
 * matter when the caller closes the array.
 */
final class SavedInput {
  private final PtNDArray view;
  private final MemorySegment memory;
  private final boolean wantsGradient;
  private final InputGuard guard;

  SavedInput(PtNDArray x, Tape tape) {
    view = tape.keep(x.reshape(x.getShape()));
    memory = ArrayMemory.values(view);
    wantsGradient = hasHistory(view);
    guard = new InputGuard(x, tape);
  }

  /**
   * Whether the engine can pass a gradient on to the array behind the view. The engine tells of leaves of its graph
   * only whether they want a gradient. So it is asked to collect one in the view: the view of an array without a
   * history becomes a leaf that wants one, while for the view of an array with a history nothing changes.
   */
  private static boolean hasHistory(PtNDArray view) {
    JniUtils.attachGradient(view, true);
    return !JniUtils.requiresGrad(view);
  }

  PtNDArray view() {
    return view;
  }

  MemorySegment memory() {
    return memory;
  }

  boolean wantsGradient() {
    return wantsGradient;
  }

  void requireUnchanged() {
    guard.check();
  }
}
