package dev.norma;

import static java.lang.foreign.MemorySegment.NULL;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.lang.foreign.Arena;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.util.ConcurrentModificationException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.stream.IntStream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;

/** One layer and several threads: inference at once, all else one at a time. */
class BatchNormThreadsTest {
  @AutoClose private final Arena arena = Arena.ofShared();

  private Tensor tensor(long batch) {
    return Tensor.allocate(arena, DataType.FLOAT32, Layout.CHANNELS_FIRST, batch, 2, 3);
  }

  /** The native kernels, but one operation waits inside until it is let go. */
  private static final class Waiting {
    private final CountDownLatch entered = new CountDownLatch(1);
    private final CountDownLatch leave = new CountDownLatch(1);
    private final String operation;

    Waiting(String operation) {
      this.operation = operation;
    }

    Kernels kernels() {
      return (Kernels)
          Proxy.newProxyInstance(
              Kernels.class.getClassLoader(),
              new Class<?>[] {Kernels.class},
              (proxy, method, arguments) -> {
                if (method.getName().equals(operation)) {
                  entered.countDown();
                  leave.await();
                }
                try {
                  return method.invoke(Kernels.nativeKernels(), arguments);
                } catch (InvocationTargetException e) {
                  throw e.getCause();
                }
              });
    }
  }

  @Test
  void whileALayerChangesNobodyElseGetsIn() throws InterruptedException {
    var waiting = new Waiting("forwardTraining");
    try (var layer = BatchNorm.builder(2).kernels(waiting.kernels()).build()) {
      var x = tensor(4);
      var population = layer.populationStatistics();
      var running = CompletableFuture.runAsync(() -> layer.forward(x, x));
      waiting.entered.await();
      var file = Path.of("never-written.safetensors");
      for (var call :
          List.<ThrowingCallable>of(
              () -> layer.forward(x, x),
              () -> layer.infer(x, x),
              () -> layer.backward(x, x, x),
              () -> layer.backwardInference(x, x, x),
              () -> layer.forward(x, x, x),
              () -> layer.infer(x, x, x),
              () -> layer.backward(x, x, x, x, x),
              () -> layer.backwardInference(x, x, x, x, x),
              () -> layer.step(GradientDescent.of(1)),
              () -> layer.fold(x, NULL, x, NULL),
              () -> population.add(x),
              population::store,
              () -> layer.save(file),
              () -> layer.load(file),
              layer::close)) {
        assertThatExceptionOfType(ConcurrentModificationException.class)
            .isThrownBy(call)
            .withMessageEndingWith(
                "another thread is changing this layer; only infer may be called by several threads at once");
      }
      assertThat(file).doesNotExist();
      waiting.leave.countDown();
      running.join();
      assertThat(layer.batches()).isEqualTo(1);
      layer.infer(x, x);
    }
  }

  @Test
  void whileALayerInfersOthersMayInferButNotChange() throws InterruptedException {
    var waiting = new Waiting("forwardInference");
    var layer = BatchNorm.builder(2).kernels(waiting.kernels()).build();
    var x = tensor(4);
    var population = layer.populationStatistics();
    var first = CompletableFuture.runAsync(() -> layer.infer(tensor(4), tensor(4)));
    waiting.entered.await();
    var second = CompletableFuture.runAsync(() -> layer.infer(tensor(4), tensor(4)));
    for (var call :
        List.<ThrowingCallable>of(
            () -> layer.forward(x, x),
            () -> layer.step(GradientDescent.of(1)),
            () -> population.add(x),
            population::store,
            layer::close)) {
      assertThatExceptionOfType(ConcurrentModificationException.class)
          .isThrownBy(call)
          .withMessageContaining("another thread is using this layer");
    }
    waiting.leave.countDown();
    first.join();
    second.join();
    layer.forward(x, x);
    layer.close();
    assertThatIllegalStateException().isThrownBy(() -> layer.infer(x, x));
  }

  /** Threads of both kinds, and inference with shapes that push each other out of what the layer remembers. */
  @Test
  void inferenceByManyThreadsAtOnce() {
    try (var layer = BatchNorm.builder(2).threads(1).build()) {
      layer.forward(tensor(4).copyFrom(ramp(4)), tensor(4));
      var tasks =
          IntStream.range(0, 40)
              .mapToObj(i -> start(i % 2 == 0, () -> inferManyShapes(layer)))
              .toList();
      assertThat(tasks).allSatisfy(task -> assertThat(task.join()).isNull());
    }
  }

  private static CompletableFuture<Throwable> start(boolean virtual, ThrowingCallable work) {
    var done = new CompletableFuture<Throwable>();
    var builder = virtual ? Thread.ofVirtual() : Thread.ofPlatform();
    builder.start(() -> done.complete(catchThrowable(work)));
    return done;
  }

  private static double[] ramp(int batch) {
    return IntStream.range(0, batch * 6).asDoubleStream().toArray();
  }

  private static void inferManyShapes(BatchNorm layer) {
    try (var own = Arena.ofConfined()) {
      for (var round = 0; round < 200; round++) {
        var batch = 1 + round % 12;
        var x = Tensor.allocate(own, DataType.FLOAT32, Layout.CHANNELS_FIRST, batch, 2, 3).copyFrom(ramp(batch));
        var y = Tensor.allocate(own, DataType.FLOAT32, Layout.CHANNELS_FIRST, batch, 2, 3);
        layer.infer(x, y);
        var deviation = x.get(1) - DataType.FLOAT32.get(layer.runningMean(), 0);
        var expected = deviation / Math.sqrt(DataType.FLOAT32.get(layer.runningVar(), 0) + layer.epsilon());
        // Three roundings, each half an ulp.
        assertThat(Math.abs(y.get(1) - expected)).isLessThanOrEqualTo(1.5 * Math.ulp((float) expected));
      }
    }
  }

  /** The memory of a running call cannot be freed: closing fails until it is over, and the next call is refused. */
  @Test
  void anArenaClosedDuringACall() {
    for (var round = 0; round < 20; round++) {
      var shared = Arena.ofShared();
      var started = new CountDownLatch(1);
      try (var layer = BatchNorm.builder(16).build()) {
        var x = Tensor.allocate(shared, DataType.FLOAT32, Layout.CHANNELS_FIRST, 8, 16, 4096);
        var running =
            start(
                false,
                () -> {
                  while (true) {
                    layer.infer(x, x);
                    started.countDown();
                  }
                });
        closeWhenPossible(shared, started);
        assertThat(running.join())
            .isInstanceOf(IllegalStateException.class)
            .hasMessageMatching("the arena of \\w+ is closed|Already closed");
      }
    }
  }

  private static void closeWhenPossible(Arena arena, CountDownLatch started) {
    assertThat(catchThrowable(started::await)).isNull();
    while (arena.scope().isAlive()) {
      var refused = catchThrowable(arena::close);
      if (refused != null) {
        assertThat(refused).isInstanceOf(IllegalStateException.class).hasMessageContaining("acquired");
      }
    }
  }
}
