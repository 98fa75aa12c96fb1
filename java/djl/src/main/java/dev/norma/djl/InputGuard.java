package dev.norma.djl;

import ai.djl.engine.EngineException;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.jni.JniUtils;

/**
 * Notices that an array was changed in place between the forward and the backward pass, which would make the gradients
 * wrong in silence.
 *
 * <p>The engine counts the changes of every array, counts for a view those of the whole, and refuses to compute a
 * gradient from an array that has changed since it was saved. So the guard lets the engine save one element of the
 * array, as a factor of a product that nothing else uses, and later asks for the gradient of that product.
 */
final class InputGuard {
  private final PtNDArray product;
  private final PtNDArray seed;

  InputGuard(PtNDArray array, Tape tape) {
    PtNDArray detached = tape.keep(JniUtils.detachGradient(array));
    long[] first = new long[array.getShape().dimension()];
    PtNDArray element = tape.keep(JniUtils.getItem(detached, first, array.getManager()));
    PtNDArray factor = tape.keep(array.getManager().ones(new Shape(), array.getDataType()));
    factor.setRequiresGradient(true);
    product = tape.keep(element.mul(factor));
    seed = tape.keep(JniUtils.detachGradient(factor));
  }

  /**
   * Asks the engine.
   *
   * @throws IllegalStateException if the array has been changed
   */
  void check() {
    try {
      JniUtils.backward(product, seed, true, false);
    } catch (EngineException changed) {
      throw new IllegalStateException(
          "the input of a normalization was changed in place between its forward and its backward pass;"
              + " use an operation that makes a new array, such as add in place of addi",
          changed);
    }
  }
}
