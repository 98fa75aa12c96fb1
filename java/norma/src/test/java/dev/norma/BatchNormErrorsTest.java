package dev.norma;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.lang.foreign.Arena;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.assertj.core.api.AbstractThrowableAssert;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Every mistake at the layer is an exception with a helpful message, and leaves its state and all tensors alone. */
class BatchNormErrorsTest {
  private static final DataType TYPE = DataType.FLOAT32;
  private static final Layout LAYOUT = Layout.CHANNELS_FIRST;

  @AutoClose private final Arena arena = Arena.ofConfined();
  @AutoClose private final BatchNorm layer = BatchNorm.builder(2).activation(Activation.RELU).build();
  @AutoClose private final BatchNorm plain = BatchNorm.builder(2).build();
  private final Tensor x = tensor().copyFrom(1f, 2f, 3f, 4f, 5f, 6f, 7f, 8f, 9f, 10f, 11f, 12f);
  private final Tensor y = tensor();
  private final Tensor other = tensor();

  private Tensor tensor() {
    return Tensor.allocate(arena, TYPE, LAYOUT, 2, 2, 3);
  }

  @BeforeEach
  void train() {
    layer.forward(x, y);
    layer.backward(x, y, tensor());
    plain.forward(x, tensor());
  }

  /** Runs calls that must fail, each with a look at everything that they might have changed. */
  private List<AbstractThrowableAssert<?, ? extends Throwable>> requireRefused(ThrowingCallable... calls) {
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

  private List<String> contents() {
    var segments =
        Stream.of(
            x.segment(),
            y.segment(),
            layer.gamma(),
            layer.beta(),
            layer.gammaGradient(),
            layer.betaGradient(),
            layer.runningMean(),
            layer.runningVar(),
            layer.batchMean(),
            layer.batchVariance());
    return Stream.concat(
            segments.map(segment -> Arrays.toString(segment.toArray(JAVA_BYTE))),
            Stream.of(layer.batches() + " " + layer.refused()))
        .toList();
  }

  /** All calls with a bad x, and all with a bad other tensor. */
  private ThrowingCallable[] callsWith(Tensor bad) {
    return new ThrowingCallable[] {
      () -> layer.forward(bad, y),
      () -> layer.forward(x, bad),
      () -> layer.infer(bad, y),
      () -> layer.infer(x, bad),
      () -> layer.backward(bad, x, y),
      () -> layer.backward(x, bad, y),
      () -> layer.backward(x, y, bad),
      () -> layer.backwardInference(bad, x, y),
      () -> layer.backwardInference(x, bad, y),
      () -> layer.backwardInference(x, y, bad),
      () -> layer.forward(bad, x, y),
      () -> layer.forward(x, bad, y),
      () -> layer.forward(x, x, bad),
      () -> layer.infer(bad, x, y),
      () -> layer.infer(x, bad, y),
      () -> layer.infer(x, x, bad),
      () -> layer.backwardInference(bad, x, y, other, y),
      () -> layer.backwardInference(x, bad, y, other, y),
      () -> layer.backwardInference(x, x, bad, other, y),
      () -> layer.backwardInference(x, x, y, bad, y),
      () -> layer.backwardInference(x, x, y, other, bad)
    };
  }

  /** After a forward pass with a residual. */
  private ThrowingCallable[] backwardCallsWith(Tensor bad) {
    return new ThrowingCallable[] {
      () -> layer.backward(bad, x, y, other, y),
      () -> layer.backward(x, bad, y, other, y),
      () -> layer.backward(x, x, bad, other, y),
      () -> layer.backward(x, x, y, bad, y),
      () -> layer.backward(x, x, y, other, bad)
    };
  }

  @Test
  void anotherDataTypeLayoutShapeOrNumberOfChannels() {
    for (var bad :
        List.of(
            Tensor.allocate(arena, DataType.FLOAT64, LAYOUT, 2, 2, 3),
            Tensor.allocate(arena, TYPE, Layout.CHANNELS_LAST, 2, 2, 3),
            Tensor.allocate(arena, TYPE, LAYOUT, 2, 3, 3),
            Tensor.allocate(arena, TYPE, LAYOUT, 3, 2, 3),
            Tensor.allocate(arena, TYPE, LAYOUT, 2, 2, 3, 1))) {
      for (var thrown : requireRefused(callsWith(bad))) {
        thrown.isInstanceOf(IllegalArgumentException.class).hasMessageContaining(bad.toString());
      }
      layer.forward(x, x, y);
      for (var thrown : requireRefused(backwardCallsWith(bad))) {
        thrown.isInstanceOf(IllegalArgumentException.class).hasMessageContaining(bad.toString());
      }
      layer.forward(x, y);
    }
  }

  @Test
  void aResidualWithoutRelu() {
    requireRefused(
            () -> plain.forward(x, x, y),
            () -> plain.infer(x, x, y),
            () -> plain.backward(x, x, y, other, y),
            () -> plain.backwardInference(x, x, y, other, y))
        .forEach(
            thrown ->
                thrown
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("built without: activation(Activation.RELU)"));
  }

  /** What passed through ReLU depends on the residual: backward wants it if forward had it. */
  @Test
  void backwardWithAResidualThatForwardHadNot() {
    requireRefused(() -> layer.backward(x, x, y, other, y))
        .forEach(
            thrown ->
                thrown
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage("backward: the last forward pass had no residual: backward(x, dy, dx)"));
    layer.forward(x, x, y);
    requireRefused(() -> layer.backward(x, y, other))
        .forEach(
            thrown ->
                thrown
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("the last forward pass had a residual")
                    .hasMessageEndingWith("backward(x, residual, dy, dx, dresidual)"));
    layer.backward(x, x, y, other, y);
  }

  @Test
  void aGradientByTheResidualThatOverlaps() {
    layer.forward(x, x, y);
    requireRefused(() -> layer.backward(x, x, y, y, y), () -> layer.backwardInference(x, x, y, y, y))
        .forEach(thrown -> thrown.hasMessage("dx overlaps dresidual"));
    requireRefused(() -> layer.backward(x, other, y, tensor(), other))
        .forEach(thrown -> thrown.hasMessage("dresidual overlaps residual"));
  }

  @Test
  void aClosedArena() {
    var closed = Arena.ofConfined();
    var bad = Tensor.allocate(closed, TYPE, LAYOUT, 2, 2, 3);
    closed.close();
    for (var thrown : requireRefused(callsWith(bad))) {
      thrown.isInstanceOf(IllegalStateException.class).hasMessageMatching("the arena of \\w+ is closed");
    }
  }

  @Test
  void aTensorOfAnotherThread() {
    var bad = CompletableFuture.supplyAsync(() -> Tensor.allocate(Arena.ofConfined(), TYPE, LAYOUT, 2, 2, 3)).join();
    for (var thrown : requireRefused(callsWith(bad))) {
      thrown.isInstanceOf(WrongThreadException.class).hasMessageContaining(" belongs to ");
    }
  }

  @Test
  void aReadOnlyOutput() {
    var bad = Tensor.of(tensor().segment().asReadOnly(), TYPE, LAYOUT, 2, 2, 3);
    for (var thrown :
        requireRefused(
            () -> layer.forward(x, bad),
            () -> layer.infer(x, bad),
            () -> layer.backward(x, y, bad),
            () -> layer.backwardInference(x, y, bad))) {
      thrown.isInstanceOf(IllegalArgumentException.class).hasMessageContaining("read-only");
    }
    layer.infer(bad, y);
  }

  @Test
  void anOutputThatOverlaps() {
    var block = arena.allocate(96, 8);
    var one = Tensor.of(block.asSlice(0, 48), TYPE, LAYOUT, 2, 2, 3);
    var other = Tensor.of(block.asSlice(4, 48), TYPE, LAYOUT, 2, 2, 3);
    for (var thrown :
        requireRefused(
            () -> layer.forward(one, other),
            () -> layer.infer(one, other),
            () -> layer.backward(one, x, other),
            () -> layer.backward(x, one, other),
            () -> layer.backwardInference(x, one, other))) {
      thrown.isInstanceOf(IllegalArgumentException.class).hasMessageContaining("overlaps");
    }
    requireRefused(() -> layer.backward(x, y, x))
        .forEach(thrown -> thrown.hasMessage("dx overlaps x"));
  }

  @Test
  void anOutputThatIsTheLayersOwnState() {
    var state = Tensor.of(layer.gamma(), TYPE, LAYOUT, 1, 2);
    requireRefused(() -> layer.infer(Tensor.allocate(arena, TYPE, LAYOUT, 1, 2), state))
        .forEach(thrown -> thrown.hasMessage("y overlaps gamma"));
  }

  @Test
  void oneValuePerChannel() {
    var single = Tensor.allocate(arena, TYPE, LAYOUT, 1, 2);
    requireRefused(() -> layer.forward(single, single))
        .forEach(
            thrown ->
                thrown
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("more than one value per channel"));
    layer.infer(single, single);
  }

  @Test
  void nothing() {
    for (var thrown : requireRefused(callsWith(null))) {
      thrown.isInstanceOf(NullPointerException.class);
    }
    layer.forward(x, x, y);
    for (var thrown : requireRefused(backwardCallsWith(null))) {
      thrown.isInstanceOf(NullPointerException.class);
    }
    requireRefused(() -> layer.step(null)).forEach(thrown -> thrown.isInstanceOf(NullPointerException.class));
  }

  @Test
  void backwardOfAnotherShapeThanForward() {
    var small = Tensor.allocate(arena, TYPE, LAYOUT, 1, 2, 3);
    requireRefused(() -> layer.backward(small, small, Tensor.allocate(arena, TYPE, LAYOUT, 1, 2, 3)))
        .forEach(
            thrown ->
                thrown
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("the last forward pass had batch 2 and spatial 3"));
  }

  @Test
  void backwardBeforeForwardAndStepBeforeBackward() {
    try (var fresh = BatchNorm.builder(2).build()) {
      assertThatIllegalStateException()
          .isThrownBy(() -> fresh.backward(x, y, tensor()))
          .withMessage("backward needs a forward pass before it");
      assertThatIllegalStateException()
          .isThrownBy(() -> fresh.step(GradientDescent.of(1)))
          .withMessage("step needs a backward pass before it");
    }
  }

  @Test
  void gammaWhereThereIsNone() {
    try (var plain = BatchNorm.builder(2).affine(false).build()) {
      for (var call :
          List.<ThrowingCallable>of(
              plain::gamma,
              plain::beta,
              plain::gammaGradient,
              plain::betaGradient,
              () -> plain.step(GradientDescent.of(1)))) {
        assertThatIllegalStateException()
            .isThrownBy(call)
            .withMessageContaining("the layer was built without gamma and beta");
      }
    }
  }

  @Test
  void useAfterClose() {
    var closed = BatchNorm.builder(2).build();
    var gamma = closed.gamma();
    var population = closed.populationStatistics();
    closed.close();
    closed.close();
    var file = Path.of("never-written.safetensors");
    var calls =
        Map.<String, ThrowingCallable>ofEntries(
            Map.entry("forward", () -> closed.forward(x, y)),
            Map.entry("infer", () -> closed.infer(x, y)),
            Map.entry("backward", () -> closed.backward(x, y, y)),
            Map.entry("backwardInference", () -> closed.backwardInference(x, y, y)),
            Map.entry("step", () -> closed.step(GradientDescent.of(1))),
            Map.entry("fold", () -> closed.fold(x, gamma, x, gamma)),
            Map.entry("populationStatistics", closed::populationStatistics),
            Map.entry("add", () -> population.add(x)),
            Map.entry("store", population::store),
            Map.entry("gamma", closed::gamma),
            Map.entry("beta", closed::beta),
            Map.entry("gammaGradient", closed::gammaGradient),
            Map.entry("betaGradient", closed::betaGradient),
            Map.entry("runningMean", closed::runningMean),
            Map.entry("runningVar", closed::runningVar),
            Map.entry("batchMean", closed::batchMean),
            Map.entry("batchVariance", closed::batchVariance),
            Map.entry("batches", closed::batches),
            Map.entry("refused", closed::refused),
            Map.entry("save", () -> closed.save(file)),
            Map.entry("load", () -> closed.load(file)));
    calls.forEach(
        (name, call) ->
            assertThatIllegalStateException().isThrownBy(call).withMessage(name + ": the layer is closed"));
    assertThatIllegalStateException().isThrownBy(() -> gamma.get(JAVA_BYTE, 0));
    assertThat(file).doesNotExist();
  }

  @Test
  void aFailureOfTheKernelsLeavesTheLayerUsable() {
    var failing = new Failing();
    try (var fragile = BatchNorm.builder(2).kernels(failing.kernels()).build()) {
      failing.fail = true;
      for (var call :
          List.<ThrowingCallable>of(() -> fragile.forward(x, y), () -> fragile.infer(x, y))) {
        assertThat(catchThrowable(call)).isInstanceOf(NormaException.class).hasMessage("out of memory");
      }
      failing.fail = false;
      fragile.forward(x, y);
      fragile.infer(x, y);
      assertThat(fragile.batches()).isEqualTo(1);
    }
  }

  /** Kernels that report a status when told to. */
  private static final class Failing {
    private boolean fail;

    Kernels kernels() {
      return (Kernels)
          Proxy.newProxyInstance(
              Kernels.class.getClassLoader(),
              new Class<?>[] {Kernels.class},
              (proxy, method, arguments) -> {
                if (fail && method.getReturnType() == void.class) {
                  throw new NormaException(15, "out of memory");
                }
                return method.invoke(Kernels.nativeKernels(), arguments);
              });
    }
  }
}
