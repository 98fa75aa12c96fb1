package dev.norma;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

/** 64 Java threads that call at once for some seconds: right results, a bounded number of threads and of bytes. */
class ManyThreadsTest {
  private static final int CALLERS = 64;
  private static final int TEAM = 2;
  private static final long MEBIBYTE = 1 << 20;

  /** What the JVM may start meanwhile: compiler and collector threads. */
  private static final long OF_THE_JVM = 16;

  /**
   * What the Java heap and the collector may take meanwhile. The calls of a run ask for some GiB of scratch in all: if
   * any of it were kept, it would show.
   */
  private static final long MOST_GROWTH = 96 * MEBIBYTE;

  private final AtomicBoolean stop = new AtomicBoolean();
  private final AtomicLong calls = new AtomicLong();
  private final AtomicReference<Throwable> failure = new AtomicReference<>();

  /** One caller: trains a layer of its own and infers with a shared one, the same work again and again. */
  private final class Caller implements Runnable {
    private final BatchNorm shared;
    private final long spatial;

    Caller(BatchNorm shared, int number) {
      this.shared = shared;
      // Some calls stay on their thread, others use a team.
      this.spatial = number % 2 == 0 ? 16 : 2500;
    }

    @Override
    public void run() {
      try (var arena = Arena.ofConfined();
          var own = BatchNorm.builder(4).threads(TEAM).build()) {
        var x = tensor(arena);
        for (var i = 0L; i < x.size(); i++) {
          x.set(i, Math.sin(i) + 3);
        }
        var y = tensor(arena);
        var dx = tensor(arena);
        var expected = tensor(arena);
        var expectedGradient = tensor(arena);
        var expectedInference = tensor(arena);
        own.forward(x, expected);
        own.backward(x, expected, expectedGradient);
        shared.infer(x, expectedInference);
        while (!stop.get()) {
          own.forward(x, y);
          requireSame(y, expected);
          own.backward(x, y, dx);
          requireSame(dx, expectedGradient);
          shared.infer(x, y);
          requireSame(y, expectedInference);
          calls.addAndGet(3);
        }
      } catch (Throwable e) {
        failure.compareAndSet(null, e);
      }
    }

    private Tensor tensor(Arena arena) {
      return Tensor.allocate(arena, DataType.FLOAT32, Layout.CHANNELS_FIRST, 4, 4, spatial);
    }

    private static void requireSame(Tensor found, Tensor expected) {
      if (found.segment().mismatch(expected.segment()) >= 0) {
        throw new AssertionError("a result depends on what else is running");
      }
    }
  }

  @Test
  void manyCallersAtOnce() throws InterruptedException, IOException {
    try (var shared = BatchNorm.builder(4).threads(TEAM).build()) {
      var before = threads();
      var callers = new ArrayList<Thread>();
      for (var i = 0; i < CALLERS; i++) {
        callers.add(Thread.ofPlatform().start(new Caller(shared, i)));
      }
      Thread.sleep(Duration.ofSeconds(1));
      var warmMemory = residentBytes();
      var warmCalls = calls.get();
      var most = 0L;
      for (var i = 0; i < 20; i++) {
        Thread.sleep(Duration.ofMillis(100));
        most = Math.max(most, threads());
      }
      var grown = residentBytes() - warmMemory;
      stop.set(true);
      for (var caller : callers) {
        caller.join();
      }
      assertThat(failure.get()).isNull();
      assertThat(calls.get() - warmCalls).as("calls after warm-up").isGreaterThan(1000);
      assertThat(most - before).as("threads").isLessThanOrEqualTo(CALLERS * TEAM + OF_THE_JVM);
      assertThat(grown).as("bytes grown in %d calls", calls.get() - warmCalls).isLessThan(MOST_GROWTH);
    }
  }

  private static long threads() throws IOException {
    try (var tasks = Files.list(Path.of("/proc/self/task"))) {
      return tasks.count();
    }
  }

  private static long residentBytes() throws IOException {
    var line =
        Files.readAllLines(Path.of("/proc/self/status")).stream().filter(s -> s.startsWith("VmRSS:")).findFirst();
    return Long.parseLong(line.orElseThrow().replaceAll("\\D", "")) * 1024;
  }
}
