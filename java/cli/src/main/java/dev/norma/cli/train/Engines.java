package dev.norma.cli.train;

/** Prepares Deep Java Library's PyTorch engine; to be called before anything of it is touched. */
final class Engines {
  private Engines() {}

  /**
   * One thread: at a batch of 64 the matrices are too small to gain from more, and results do not depend on how many
   * processors the machine has. Offline: nothing is downloaded, and the library's telemetry stays silent.
   */
  static void prepare() {
    System.setProperty("ai.djl.offline", "true");
    System.setProperty("ai.djl.default_engine", "PyTorch");
    System.setProperty("ai.djl.pytorch.num_threads", "1");
    System.setProperty("ai.djl.pytorch.num_interop_threads", "1");
  }
}
