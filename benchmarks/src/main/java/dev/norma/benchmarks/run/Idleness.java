package dev.norma.benchmarks.run;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * Waits until a process that has answered is idle. The threads of an OpenMP team spin for some milliseconds after their
 * work (GNU's for 300,000 pauses), and a JVM compiles on: whoever is next would share the processors with them.
 */
final class Idleness {
  private static final long POLL_MILLIS = 2;

  /** A process that works for less than this share of the time is idle. */
  private static final double BUSY = 0.1;

  /** By then even a long spin is over. */
  private static final int MOST_POLLS = 25;

  private final LongSupplier nanosecondsWorked;

  /** Of a process. */
  Idleness(long pid) {
    this(() -> nanosecondsWorked(Path.of("/proc", Long.toString(pid), "task")));
  }

  /** Of something that tells how long all its threads have worked so far, or 0. */
  Idleness(LongSupplier nanosecondsWorked) {
    this.nanosecondsWorked = nanosecondsWorked;
  }

  void await() throws InterruptedException {
    long time = System.nanoTime();
    long worked = nanosecondsWorked.getAsLong();
    for (int poll = 0; poll < MOST_POLLS; poll++) {
      TimeUnit.MILLISECONDS.sleep(POLL_MILLIS);
      long timeNow = System.nanoTime();
      long workedNow = nanosecondsWorked.getAsLong();
      // Where the system does not tell, every poll is waited for.
      if (workedNow > 0 && workedNow - worked < BUSY * (timeNow - time)) {
        return;
      }
      time = timeNow;
      worked = workedNow;
    }
  }

  /** By all threads so far; 0 if the system does not tell. */
  static long nanosecondsWorked(Path threads) {
    try (var folders = Files.list(threads)) {
      return folders.mapToLong(Idleness::nanosecondsOf).sum();
    } catch (IOException | UncheckedIOException e) {
      return 0;
    }
  }

  /** The first number of Linux's schedstat. A thread that has ended works no more. */
  private static long nanosecondsOf(Path thread) {
    try {
      return Long.parseLong(Files.readString(thread.resolve("schedstat")).split(" ", 2)[0]);
    } catch (IOException e) {
      return 0;
    }
  }
}
