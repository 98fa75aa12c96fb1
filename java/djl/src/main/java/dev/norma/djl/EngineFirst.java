package dev.norma.djl;

import ai.djl.engine.Engine;
import ai.djl.pytorch.engine.PtEngine;
import dev.norma.Kernels;
import java.util.function.Supplier;

/**
 * Loads the engine's native library before Norma's.
 *
 * <p>Both need GNU's OpenMP runtime. The engine brings one under a file name of its own that still calls itself {@code
 * libgomp.so.1}; when it is in the process already, the system's loader gives that one to Norma as well, and both
 * libraries share one runtime and one team of threads. In the other order the engine does not recognize the runtime
 * that Norma has loaded, and the process ends up with two.
 */
final class EngineFirst {
  private EngineFirst() {}

  /** The kernels that the supplier gives, asked after the engine is loaded. */
  static Kernels load(Supplier<Kernels> kernels) {
    Engine.getEngine(PtEngine.ENGINE_NAME);
    return kernels.get();
  }
}
