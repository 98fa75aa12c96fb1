package dev.norma.benchmarks.run;

import java.util.concurrent.CountDownLatch;

/**
 * Ends a run early and in order when the process is told to stop. While this is open, the JVM waits for the run: it
 * sees the request at its next check, keeps what was measured, and closes this.
 */
public final class Interruption implements AutoCloseable {
  private final CountDownLatch finished = new CountDownLatch(1);
  private final Thread hook = new Thread(this::stop, "interruption");
  private volatile boolean requested;

  /** Watches for signals from now on. */
  public Interruption() {
    Runtime.getRuntime().addShutdownHook(hook);
  }

  private void stop() {
    requested = true;
    try {
      finished.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /**
   * Whether the process was told to stop.
   *
   * @return true from then on
   */
  public boolean isRequested() {
    return requested;
  }

  /** To be called wherever a run can end. */
  void check() throws InterruptedException {
    if (requested) {
      throw new InterruptedException("the process was told to stop");
    }
  }

  @Override
  public void close() {
    finished.countDown();
    if (!requested) {
      try {
        Runtime.getRuntime().removeShutdownHook(hook);
      } catch (IllegalStateException e) {
        // It has just begun: the hook ends by itself.
        requested = true;
      }
    }
  }
}
