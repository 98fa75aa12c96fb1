package dev.norma;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.ConcurrentModificationException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.assertj.core.api.AbstractThrowableAssert;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Every mistake at a layer of slices is an exception with a helpful message and changes nothing. */
class SliceLayerErrorsTest {
  private static final DataType TYPE = DataType.FLOAT32;

  @AutoClose private final Arena arena = Arena.ofConfined();

  /** A layer after a pass in both directions, and tensors for it. */
  private final class Fixture implements AutoCloseable {
    final SliceLayers kind;
    final SliceLayer<?> layer;
    final Tensor x;
    final Tensor y;

    Fixture(SliceLayers kind) {
      this.kind = kind;
      layer = kind.build();
      x = ramp(kind.tensor(arena, TYPE, 4));
      y = kind.tensor(arena, TYPE, 4);
      layer.forward(x, y);
      layer.backward(x, y, kind.tensor(arena, TYPE, 4));
    }

    /** Runs calls that must fail, each with a look at everything that they might have changed. */
    List<AbstractThrowableAssert<?, ? extends Throwable>> requireRefused(ThrowingCallable... calls) {
      return Stream.of(calls)
          .<AbstractThrowableAssert<?, ? extends Throwable>>map(
              call -> {
                var before = contents();
                var thrown = catchThrowable(call);
                assertThat(contents()).isEqualTo(before);
                return assertThat(thrown);
              })
          .toList();
    }

    /** What the backward pass gives shows what was kept of the forward pass. */
    private List<String> contents() {
      var dx = kind.tensor(arena, TYPE, 4);
      layer.backward(x, y, dx);
      var views = kind.views().stream().map(view -> view.apply(layer));
      return Stream.concat(Stream.of(x.segment(), y.segment(), dx.segment()), views)
          .map(segment -> Arrays.toString(segment.toArray(JAVA_BYTE)))
          .toList();
    }

    ThrowingCallable[] callsWith(Tensor bad) {
      return new ThrowingCallable[] {
        () -> layer.forward(bad, y),
        () -> layer.forward(x, bad),
        () -> layer.infer(bad, y),
        () -> layer.infer(x, bad),
        () -> layer.backward(bad, x, y),
        () -> layer.backward(x, bad, y),
        () -> layer.backward(x, y, bad)
      };
    }

    @Override
    public void close() {
      layer.close();
    }
  }

  private static Tensor ramp(Tensor tensor) {
    for (var i = 0L; i < tensor.size(); i++) {
      tensor.set(i, Math.sin(i) + i % 3);
    }
    return tensor;
  }

  @ParameterizedTest
  @EnumSource
  void anotherDataTypeOrShape(SliceLayers kind) {
    try (var fixture = new Fixture(kind)) {
      for (var bad : SliceLayers.badTensors(arena)) {
        for (var thrown : fixture.requireRefused(fixture.callsWith(bad))) {
          thrown.isInstanceOf(IllegalArgumentException.class).hasMessageContaining(bad.toString());
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void aClosedArenaAnotherThreadOrNothing(SliceLayers kind) {
    try (var fixture = new Fixture(kind)) {
      var closed = Arena.ofConfined();
      var dead = kind.tensor(closed, TYPE, 4);
      closed.close();
      for (var thrown : fixture.requireRefused(fixture.callsWith(dead))) {
        thrown.isInstanceOf(IllegalStateException.class).hasMessageMatching("the arena of \\w+ is closed");
      }
      var foreign = CompletableFuture.supplyAsync(() -> kind.tensor(Arena.ofConfined(), TYPE, 4)).join();
      for (var thrown : fixture.requireRefused(fixture.callsWith(foreign))) {
        thrown.isInstanceOf(WrongThreadException.class).hasMessageContaining(" belongs to ");
      }
      for (var thrown : fixture.requireRefused(fixture.callsWith(null))) {
        thrown.isInstanceOf(NullPointerException.class);
      }
      fixture
          .requireRefused(() -> fixture.layer.step(null))
          .forEach(thrown -> thrown.isInstanceOf(NullPointerException.class));
    }
  }

  @ParameterizedTest
  @EnumSource
  void aReadOnlyOrOverlappingOutput(SliceLayers kind) {
    try (var fixture = new Fixture(kind)) {
      var layer = fixture.layer;
      var bytes = fixture.x.segment().byteSize();
      var readOnly = view(arena.allocate(bytes, 8).asReadOnly(), fixture.x);
      fixture
          .requireRefused(
              () -> layer.forward(fixture.x, readOnly),
              () -> layer.infer(fixture.x, readOnly),
              () -> layer.backward(fixture.x, fixture.y, readOnly))
          .forEach(thrown -> thrown.isInstanceOf(IllegalArgumentException.class).hasMessageContaining("read-only"));
      var block = arena.allocate(2 * bytes, 8);
      var one = view(block.asSlice(0, bytes), fixture.x);
      var other = view(block.asSlice(4, bytes), fixture.x);
      fixture
          .requireRefused(
              () -> layer.forward(one, other),
              () -> layer.infer(one, other),
              () -> layer.backward(one, fixture.x, other),
              () -> layer.backward(fixture.x, one, other))
          .forEach(thrown -> thrown.isInstanceOf(IllegalArgumentException.class).hasMessageContaining("overlaps"));
      fixture
          .requireRefused(() -> layer.backward(fixture.x, fixture.y, fixture.x))
          .forEach(thrown -> thrown.hasMessage("dx overlaps x"));
    }
  }

  private static Tensor view(MemorySegment segment, Tensor like) {
    return Tensor.of(segment, like.dataType(), like.layout(), like.extents());
  }

  /** A refused forward pass of a larger batch leaves what the last one kept. */
  @ParameterizedTest
  @EnumSource
  void aRefusedForwardPassOfALargerBatch(SliceLayers kind) {
    try (var fixture = new Fixture(kind)) {
      var large = kind.tensor(arena, TYPE, 4000);
      var readOnly = view(large.segment().asReadOnly(), large);
      fixture
          .requireRefused(() -> fixture.layer.forward(large, readOnly))
          .forEach(thrown -> thrown.hasMessageContaining("read-only"));
    }
  }

  @ParameterizedTest
  @EnumSource
  void backwardOfAnotherShapeThanForward(SliceLayers kind) {
    try (var fixture = new Fixture(kind)) {
      var small = kind.tensor(arena, TYPE, 3);
      fixture
          .requireRefused(() -> fixture.layer.backward(small, small, kind.tensor(arena, TYPE, 3)))
          .forEach(
              thrown ->
                  thrown
                      .isInstanceOf(IllegalArgumentException.class)
                      .hasMessageStartingWith("x is " + small + ", but the last forward pass was of "));
    }
  }

  @ParameterizedTest
  @EnumSource
  void backwardBeforeForwardAndStepBeforeBackward(SliceLayers kind) {
    try (var fresh = kind.build()) {
      var x = kind.tensor(arena, TYPE, 4);
      fresh.infer(x, x);
      assertThatIllegalStateException()
          .isThrownBy(() -> fresh.backward(x, x, x))
          .withMessage("backward needs a forward pass before it");
      assertThatIllegalStateException()
          .isThrownBy(() -> fresh.step(GradientDescent.of(1)))
          .withMessage("step needs a backward pass before it");
    }
  }

  @ParameterizedTest
  @EnumSource
  void parametersWhereThereAreNone(SliceLayers kind) {
    try (var plain = kind.build(Kernels.nativeKernels(), TYPE, 1e-5, false)) {
      var calls =
          Stream.concat(
              Stream.<ThrowingCallable>of(() -> plain.step(GradientDescent.of(1))),
              kind.parameters().stream().<ThrowingCallable>map(view -> () -> view.apply(plain)));
      assertThat(calls)
          .allSatisfy(
              call ->
                  assertThatIllegalStateException()
                      .isThrownBy(call)
                      .withMessageContaining("the layer was built without gamma"));
    }
  }

  @ParameterizedTest
  @EnumSource
  void useAfterClose(SliceLayers kind) {
    var closed = kind.build();
    var gamma = closed.gamma();
    closed.close();
    closed.close();
    var x = kind.tensor(arena, TYPE, 4);
    var file = Path.of("never-written.safetensors");
    var calls = new HashMap<String, ThrowingCallable>();
    calls.put("forward", () -> closed.forward(x, x));
    calls.put("infer", () -> closed.infer(x, x));
    calls.put("backward", () -> closed.backward(x, x, x));
    calls.put("step", () -> closed.step(GradientDescent.of(1)));
    calls.put("gamma", closed::gamma);
    calls.put("gammaGradient", closed::gammaGradient);
    calls.put("save", () -> closed.save(file));
    calls.put("load", () -> closed.load(file));
    calls.forEach(
        (name, call) ->
            assertThatIllegalStateException().isThrownBy(call).withMessage(name + ": the layer is closed"));
    for (var view : kind.views()) {
      assertThatIllegalStateException().isThrownBy(() -> view.apply(closed));
    }
    assertThatIllegalStateException().isThrownBy(() -> gamma.get(JAVA_BYTE, 0));
    assertThat(file).doesNotExist();
  }

  /** The native kernels, but calls of operations wait inside until they are let go, or fail. */
  private static final class Slow {
    private final CountDownLatch entered = new CountDownLatch(1);
    private final CountDownLatch leave = new CountDownLatch(1);
    private boolean fail;

    Kernels kernels() {
      return (Kernels)
          Proxy.newProxyInstance(
              Kernels.class.getClassLoader(),
              new Class<?>[] {Kernels.class},
              (proxy, method, arguments) -> {
                if (method.getReturnType() == void.class) {
                  if (fail) {
                    throw new NormaException(15, "out of memory");
                  }
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

  @ParameterizedTest
  @EnumSource
  void whileALayerChangesNobodyElseGetsIn(SliceLayers kind) throws InterruptedException {
    var slow = new Slow();
    try (var shared = Arena.ofShared();
        var layer = kind.build(slow.kernels(), TYPE, 1e-5, true)) {
      var x = kind.tensor(shared, TYPE, 4);
      var running = CompletableFuture.runAsync(() -> layer.forward(x, kind.tensor(Arena.ofAuto(), TYPE, 4)));
      slow.entered.await();
      var file = Path.of("never-written.safetensors");
      var calls =
          Map.<String, ThrowingCallable>of(
              "forward", () -> layer.forward(x, x),
              "infer", () -> layer.infer(x, x),
              "backward", () -> layer.backward(x, x, x),
              "step", () -> layer.step(GradientDescent.of(1)),
              "save", () -> layer.save(file),
              "load", () -> layer.load(file),
              "close", layer::close);
      calls.forEach(
          (name, call) ->
              assertThatExceptionOfType(ConcurrentModificationException.class)
                  .isThrownBy(call)
                  .withMessageStartingWith(name + ": another thread is changing this layer"));
      assertThat(file).doesNotExist();
      slow.leave.countDown();
      running.join();
      layer.backward(x, x, kind.tensor(shared, TYPE, 4));
    }
  }

  @ParameterizedTest
  @EnumSource
  void whileALayerInfersOthersMayInferButNotChange(SliceLayers kind) throws InterruptedException {
    var slow = new Slow();
    try (var shared = Arena.ofShared();
        var layer = kind.build(slow.kernels(), TYPE, 1e-5, true)) {
      var x = kind.tensor(shared, TYPE, 4);
      var first = CompletableFuture.runAsync(() -> layer.infer(x, kind.tensor(Arena.ofAuto(), TYPE, 4)));
      slow.entered.await();
      var second = CompletableFuture.runAsync(() -> layer.infer(x, kind.tensor(Arena.ofAuto(), TYPE, 4)));
      for (var call :
          List.<ThrowingCallable>of(
              () -> layer.forward(x, x), () -> layer.step(GradientDescent.of(1)), layer::close)) {
        assertThatExceptionOfType(ConcurrentModificationException.class)
            .isThrownBy(call)
            .withMessageContaining("another thread is using this layer");
      }
      slow.leave.countDown();
      first.join();
      second.join();
    }
  }

  @ParameterizedTest
  @EnumSource
  void aFailureOfTheKernelsLeavesTheLayerUsable(SliceLayers kind) {
    var slow = new Slow();
    slow.leave.countDown();
    try (var layer = kind.build(slow.kernels(), TYPE, 1e-5, true)) {
      var x = ramp(kind.tensor(arena, TYPE, 4));
      var y = kind.tensor(arena, TYPE, 4);
      slow.fail = true;
      for (var call : List.<ThrowingCallable>of(() -> layer.forward(x, y), () -> layer.infer(x, y))) {
        assertThat(catchThrowable(call)).isInstanceOf(NormaException.class).hasMessage("out of memory");
      }
      slow.fail = false;
      layer.infer(x, y);
      layer.forward(x, y);
      layer.backward(x, y, y);
    }
  }

  /** Inference with shapes that push each other out of what the layer remembers: the bits that one thread gets. */
  @ParameterizedTest
  @EnumSource
  void inferenceByManyThreadsAtOnce(SliceLayers kind) {
    try (var layer = kind.build()) {
      var tasks =
          IntStream.range(0, 16)
              .mapToObj(i -> CompletableFuture.supplyAsync(() -> catchThrowable(() -> inferManyShapes(kind, layer))))
              .toList();
      assertThat(tasks).allSatisfy(task -> assertThat(task.join()).isNull());
    }
  }

  private static void inferManyShapes(SliceLayers kind, SliceLayer<?> layer) {
    try (var own = Arena.ofConfined();
        var alone = kind.build()) {
      for (var round = 0; round < 100; round++) {
        var x = ramp(kind.tensor(own, TYPE, 1 + round % 12));
        var y = kind.tensor(own, TYPE, 1 + round % 12);
        var expected = kind.tensor(own, TYPE, 1 + round % 12);
        alone.infer(x, expected);
        layer.infer(x, y);
        assertThat(y.segment().mismatch(expected.segment())).isEqualTo(-1);
      }
    }
  }
}
