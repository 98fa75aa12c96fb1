package dev.norma.djl;

import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.pytorch.engine.PtEngine;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.training.GradientCollector;

/**
 * A gradient collector for networks with Norma's blocks, such as {@link NormaBatchNorm}. {@link NormaTrainer} makes it
 * by itself; training loops without a trainer open one where they would call {@link Engine#newGradientCollector()}:
 *
 * <pre>{@code
 * try (var collector = NormaGradientCollector.open()) {
 *   NDArray loss = ...; // forward pass
 *   collector.backward(loss);
 * }
 * }</pre>
 *
 * <p>As with the engine's own collector, one may be open in the process at a time, and the passes must run on the
 * thread that opened it. Gradients add up until they are cleared, and several calls of {@link #backward} may use the
 * same forward pass. What the collector holds (inputs, outputs and statistics of all recorded passes) is freed by
 * {@link #close}.
 */
public final class NormaGradientCollector implements GradientCollector {
  private final GradientCollector engine;
  private final Tape tape;
  private boolean closed;

  private NormaGradientCollector(GradientCollector engine, Tape tape) {
    this.engine = engine;
    this.tape = tape;
  }

  /**
   * Starts to collect.
   *
   * @return the open collector
   * @throws IllegalStateException if a collector is open already
   */
  public static NormaGradientCollector open() {
    GradientCollector engine = Engine.getEngine(PtEngine.ENGINE_NAME).newGradientCollector();
    return new NormaGradientCollector(engine, Tape.open());
  }

  /**
   * Adds the gradients of a target, usually the loss, to all arrays that it depends on and that want a gradient.
   *
   * @param target an array of the PyTorch engine
   * @throws IllegalArgumentException if the target is of another engine
   * @throws IllegalStateException if the collector is closed, or if the input of a block was changed in place
   */
  @Override
  public void backward(NDArray target) {
    if (closed) {
      throw new IllegalStateException("this gradient collector is closed");
    }
    if (!(target instanceof PtNDArray array)) {
      throw new IllegalArgumentException("the target must be an array of the PyTorch engine");
    }
    tape.backward(array);
  }

  /** {@inheritDoc} */
  @Override
  public void zeroGradients() {
    engine.zeroGradients();
  }

  /**
   * Ends the collection and frees what it holds. Closing again does nothing.
   *
   * @throws WrongThreadException if another thread opened the collector, which stays open then
   */
  @Override
  public void close() {
    if (closed) {
      return;
    }
    tape.close();
    closed = true;
    engine.close();
  }
}
