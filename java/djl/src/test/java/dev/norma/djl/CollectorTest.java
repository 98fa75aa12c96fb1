package dev.norma.djl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.engine.Engine;
import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.training.GradientCollector;
import ai.djl.training.ParameterStore;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Which gradients a collector collects, and what it refuses. */
class CollectorTest {
  private static final Shape SHAPE = new Shape(6, 3);

  private final NDManager manager = NDManager.newBaseManager("PyTorch");
  private final ParameterStore store = new ParameterStore(manager, false);
  private final Block block = NormaBatchNorm.builder().build();
  private NDArray x;

  @BeforeEach
  void initialize() {
    block.initialize(manager, DataType.FLOAT32, SHAPE);
    x = Sample.of(SHAPE, 1, DataType.FLOAT32, 8).input(manager);
    x.setRequiresGradient(true);
  }

  @AfterEach
  void close() {
    manager.close();
  }

  private NDArray forward(NDArray input, boolean training) {
    return block.forward(store, new NDList(input), training).singletonOrThrow();
  }

  /** A loss with a gradient that depends on x. */
  private static NDArray loss(NDArray y) {
    return y.square().mul(y).sum();
  }

  private double[] gradient() {
    return LayerResult.values(x.getGradient());
  }

  private double[] gradientOfOnePass() {
    NDArray first = x;
    x = first.duplicate();
    x.setRequiresGradient(true);
    try (var collector = NormaGradientCollector.open()) {
      collector.backward(loss(forward(x, true)));
    }
    double[] gradient = gradient();
    x = first;
    return gradient;
  }

  private static double[] twice(double[] values) {
    return Arrays.stream(values).map(value -> 2 * value).toArray();
  }

  @Test
  void trainingPassOutsideACollectorIsRefused() {
    assertThatIllegalStateException().isThrownBy(() -> forward(x, true)).withMessageContaining("NormaTrainer");
    try (var engine = Engine.getEngine("PyTorch").newGradientCollector()) {
      assertThat(engine).isNotNull();
      assertThatIllegalStateException().isThrownBy(() -> forward(x, true)).withMessageContaining("NormaTrainer");
    }
    assertThat(LayerResult.array(block, "runningMean").toFloatArray()).containsOnly(0);
  }

  @Test
  void trainingPassOnAnotherThreadIsRefused() {
    try (var collector = NormaGradientCollector.open()) {
      assertThat(collector).isNotNull();
      assertThatThrownBy(() -> CompletableFuture.runAsync(() -> forward(x, true)).join())
          .isInstanceOf(CompletionException.class)
          .hasCauseInstanceOf(IllegalStateException.class);
    }
  }

  @Test
  void evaluationPassNeedsNoCollector() {
    NDArray y = forward(x, false);
    assertThat(y.hasGradient()).isFalse();
    assertThat(y.toFloatArray()).isNotEqualTo(x.toFloatArray()).hasSize(18);
  }

  @Test
  void onlyOneCollectorIsOpen() {
    try (var collector = NormaGradientCollector.open()) {
      assertThat(collector).isNotNull();
      assertThatIllegalStateException().isThrownBy(NormaGradientCollector::open);
      collector.backward(loss(forward(x, true)));
    }
    assertThat(gradient()).isNotEqualTo(new double[18]);
  }

  @Test
  void onlyTheThreadThatOpenedACollectorClosesIt() {
    try (var collector = NormaGradientCollector.open()) {
      assertThatThrownBy(() -> CompletableFuture.runAsync(collector::close).join())
          .hasCauseInstanceOf(WrongThreadException.class);
      collector.backward(loss(forward(x, true)));
    }
    assertThat(Tape.current()).isEmpty();
  }

  @Test
  void closedCollectorIsRefused() {
    var collector = NormaGradientCollector.open();
    NDArray loss = loss(forward(x, true));
    collector.close();
    collector.close();
    assertThatIllegalStateException().isThrownBy(() -> collector.backward(loss)).withMessageContaining("closed");
    assertThat(Tape.current()).isEmpty();
  }

  @Test
  void gradientsOfTwoBackwardPassesThroughOneForwardPassAddUp() {
    double[] once = gradientOfOnePass();
    try (var collector = NormaGradientCollector.open()) {
      NDArray y = forward(x, true);
      collector.backward(loss(y));
      collector.backward(loss(y));
    }
    assertThat(gradient()).containsExactly(twice(once));
  }

  @Test
  void gradientsOfTwoForwardPassesAddUp() {
    double[] once = gradientOfOnePass();
    try (var collector = NormaGradientCollector.open()) {
      NDArray first = loss(forward(x, true));
      NDArray second = loss(forward(x, true));
      collector.backward(first);
      assertThat(gradient()).containsExactly(once);
      collector.backward(second);
    }
    assertThat(gradient()).containsExactly(twice(once));
  }

  @Test
  void outputThatTheTargetDoesNotDependOnHasNoPart() {
    try (var collector = NormaGradientCollector.open()) {
      // All NaN: any part of it, even one of zero, would show.
      forward(x.mul(Float.NaN), true);
      collector.backward(loss(forward(x, true)));
    }
    assertThat(gradient()).containsExactly(gradientOfOnePass());
    assertThat(LayerResult.array(block, "gamma").getGradient().toFloatArray()).doesNotContain(Float.NaN);
  }

  @Test
  void frozenParametersGetNoGradient() {
    block.getDirectParameters().get("gamma").freeze(true);
    double[] expected = gradientOfOnePass();
    try (var collector = NormaGradientCollector.open()) {
      collector.backward(loss(forward(x, true)));
    }
    assertThat(gradient()).containsExactly(expected);
    assertThat(LayerResult.array(block, "gamma").hasGradient()).isFalse();
    assertThat(LayerResult.array(block, "beta").getGradient().toFloatArray()).doesNotContain(0);
  }

  @Test
  void kernelsAreNotAskedForGradientsThatNothingWants() {
    var log = new CallLog();
    Block silent = NormaBatchNorm.builder().optScale(false).optCenter(false).optKernels(log::kernels).build();
    silent.initialize(manager, DataType.FLOAT32, SHAPE);
    NDArray data = x.stopGradient();
    NDArray weight = manager.ones(new Shape(3));
    weight.setRequiresGradient(true);
    try (var collector = NormaGradientCollector.open()) {
      NDArray y = silent.forward(store, new NDList(data), true).singletonOrThrow();
      collector.backward(y.mul(weight).sum());
    }
    assertThat(log.methods()).containsExactly("forwardTraining", "updateRunning");
  }

  @Test
  void arraysOfThePassMayBeClosedBeforeTheBackwardPass() {
    try (var collector = NormaGradientCollector.open()) {
      NDArray loss;
      try (NDManager scratch = manager.newSubManager();
          NDScope scope = new NDScope()) {
        scope.suppressNotUsedWarning();
        NDArray input = x.mul(1);
        input.attach(scratch);
        loss = loss(forward(input, true));
        loss.attach(manager);
        NDScope.unregister(loss);
      }
      collector.backward(loss);
    }
    assertThat(gradient()).containsExactly(gradientOfOnePass());
  }

  @Test
  void inputThatWasChangedInPlaceIsRefused() {
    try (var collector = NormaGradientCollector.open()) {
      NDArray input = x.mul(1);
      NDArray loss = loss(forward(input, true));
      input.addi(1);
      assertThatIllegalStateException()
          .isThrownBy(() -> collector.backward(loss))
          .withMessageContaining("changed in place");
    }
    assertThat(LayerResult.array(block, "gamma").getGradient().toFloatArray()).containsOnly(0);
  }

  @Test
  void engineRefusesToChangeTheOutputInPlace() {
    try (GradientCollector collector = NormaGradientCollector.open()) {
      assertThat(collector).isNotNull();
      NDArray y = forward(x, true);
      assertThatThrownBy(() -> y.addi(1)).isInstanceOf(EngineException.class).hasMessageContaining("inplace");
    }
  }

  @Test
  void gammaMayChangeBeforeTheBackwardPass() {
    double[] expected = gradientOfOnePass();
    try (var collector = NormaGradientCollector.open()) {
      NDArray loss = loss(forward(x, true));
      LayerResult.array(block, "gamma").stopGradient().addi(5);
      collector.backward(loss);
    }
    assertThat(gradient()).containsExactly(expected);
  }
}
