package dev.norma.benchmarks.vector;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/**
 * A fixed number of threads that share work, each on a processor of its own; the calling thread is one of them. The
 * others last until {@link #close}. Between two pieces of work they spin for a fraction of a millisecond, as OpenMP's threads do, and sleep then.
 */
final class Team implements AutoCloseable {
  /** Work that every thread of a team does a share of. */
  interface Work {
    /**
     * Does a share.
     *
     * @param thread whose, from 0 (the caller) to the size of the team - 1
     */
    void run(int thread);
  }

  private static final int SPINS = 5_000;

  private final Thread[] workers;
  private final AtomicInteger working = new AtomicInteger();
  private final AtomicInteger sleeping = new AtomicInteger();
  private Work work;
  private volatile int round;
  private volatile boolean closed;
  private volatile Throwable failure;

  /** To be made on the thread that will call it, which is bound to a processor for good if it is not the only one. */
  Team(int size) {
    workers = new Thread[size - 1];
    if (size > 1) {
      Processors.bind(0);
    }
    for (var i = 0; i < workers.length; i++) {
      var thread = i + 1;
      workers[i] = Thread.ofPlatform().daemon().name("team-" + thread).start(() -> serve(thread));
    }
  }

  int size() {
    return workers.length + 1;
  }

  /** Returns when every thread has done its share. One call at a time. */
  void run(Work shared) {
    work = shared;
    working.set(workers.length);
    startRound();
    try {
      shared.run(0);
    } finally {
      awaitWorkers();
    }
    if (failure != null) {
      throw new IllegalStateException("a thread of the team failed", failure);
    }
  }

  private void startRound() {
    round++;
    if (sleeping.get() > 0) {
      for (var worker : workers) {
        LockSupport.unpark(worker);
      }
    }
  }

  private void awaitWorkers() {
    for (var spins = 0; working.get() > 0; spins++) {
      if (spins < SPINS) {
        Thread.onSpinWait();
      } else {
        Thread.yield();
      }
    }
  }

  private void serve(int thread) {
    Processors.bind(thread);
    for (var done = 0; awaitRound(done); done++) {
      try {
        work.run(thread);
      } catch (RuntimeException | Error e) {
        failure = e;
      } finally {
        working.decrementAndGet();
      }
    }
  }

  /** Returns whether there is a round after so many. */
  private boolean awaitRound(int done) {
    for (var spins = 0; spins < SPINS && round == done; spins++) {
      Thread.onSpinWait();
    }
    if (round == done) {
      sleeping.incrementAndGet();
      while (round == done) {
        LockSupport.park(this);
      }
      sleeping.decrementAndGet();
    }
    return !closed;
  }

  @Override
  public void close() {
    closed = true;
    startRound();
  }
}
