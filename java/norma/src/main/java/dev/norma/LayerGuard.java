package dev.norma;

import java.util.ConcurrentModificationException;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Who is in a layer: any number of readers, or one writer, or nobody ever again. It never waits: whoever does not fit
 * gets an exception.
 */
final class LayerGuard {
  private static final int WRITER = -1;
  private static final int CLOSED = Integer.MIN_VALUE;

  /** The number of readers, or one of the constants above. */
  private final AtomicInteger users = new AtomicInteger();

  void enterToRead(String operation) {
    while (true) {
      var now = users.get();
      if (now < 0) {
        throw refusal(operation, now);
      }
      if (users.compareAndSet(now, now + 1)) {
        return;
      }
    }
  }

  void leaveReading() {
    users.decrementAndGet();
  }

  void enterToWrite(String operation) {
    var now = users.compareAndExchange(0, WRITER);
    if (now != 0) {
      throw refusal(operation, now);
    }
  }

  void leaveWriting() {
    users.setRelease(0);
  }

  /** True for the one call that closes; false if it was closed before. */
  boolean close() {
    var now = users.compareAndExchange(0, CLOSED);
    if (now != 0 && now != CLOSED) {
      throw refusal("close", now);
    }
    return now == 0;
  }

  void requireOpen(String operation) {
    if (users.get() == CLOSED) {
      throw refusal(operation, CLOSED);
    }
  }

  private static RuntimeException refusal(String operation, int users) {
    if (users == CLOSED) {
      return new IllegalStateException(operation + ": the layer is closed");
    }
    return new ConcurrentModificationException(
        "%s: another thread is %s this layer; only infer may be called by several threads at once"
            .formatted(operation, users == WRITER ? "changing" : "using"));
  }
}
