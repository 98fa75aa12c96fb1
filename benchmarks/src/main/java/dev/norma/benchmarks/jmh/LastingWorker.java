package dev.norma.benchmarks.jmh;

import java.util.List;
import java.util.concurrent.AbstractExecutorService;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/**
 * What JMH calls benchmarks with: one thread as long as the process lives. JMH's own executors begin a new one with
 * every run, which would get a new OpenMP team and could not use memory that is confined to the last one.
 */
public final class LastingWorker extends AbstractExecutorService {
  private static final ExecutorService THREAD =
      Executors.newSingleThreadExecutor(Thread.ofPlatform().name("worker").daemon().factory());

  /**
   * As JMH makes it, for each run.
   *
   * @param threads how many JMH needs: 1
   * @param prefix JMH's name for them
   */
  public LastingWorker(int threads, String prefix) {
    if (threads != 1) {
      throw new IllegalArgumentException(prefix + " must be called by 1 thread, not " + threads);
    }
  }

  /** Makes it the executor of all JMH runs of this process; to be called before the first. */
  static void install() {
    System.setProperty("jmh.executor", "CUSTOM");
    System.setProperty("jmh.executor.class", LastingWorker.class.getName());
  }

  /** Runs a task on the thread and waits for it. */
  static <T> T call(Callable<T> task) throws InterruptedException, ExecutionException {
    return THREAD.submit(task).get();
  }

  @Override
  public void execute(Runnable task) {
    THREAD.execute(task);
  }

  /** Does nothing: the thread lasts. */
  @Override
  public void shutdown() {}

  @Override
  public List<Runnable> shutdownNow() {
    return List.of();
  }

  @Override
  public boolean isShutdown() {
    return false;
  }

  @Override
  public boolean isTerminated() {
    return false;
  }

  /** Says at once what JMH waits to hear. */
  @Override
  public boolean awaitTermination(long timeout, TimeUnit unit) {
    return true;
  }
}
