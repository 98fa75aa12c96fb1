package dev.norma.djl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.Trainer;
import ai.djl.training.initializer.ConstantInitializer;
import ai.djl.training.listener.TrainingListenerAdapter;
import ai.djl.training.loss.Loss;
import java.util.Map;
import java.util.function.DoubleUnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A trainer is what the model itself would make, but for its collector. */
class NormaTrainerTest {
  private final Model model = Model.newInstance("net", Device.cpu(), "PyTorch");

  @AfterEach
  void close() {
    model.close();
  }

  private static DefaultTrainingConfig config() {
    return new DefaultTrainingConfig(Loss.l2Loss()).optDevices(new Device[] {Device.cpu()});
  }

  @Test
  void otherDevicesAreRefused() {
    model.setBlock(NormaBatchNorm.builder().build());
    assertThatIllegalArgumentException()
        .isThrownBy(() -> NormaTrainer.of(model, config().optDevices(new Device[] {Device.gpu()})))
        .withMessageContaining("Device.cpu()");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> NormaTrainer.of(model, config().optDevices(new Device[] {Device.cpu(), Device.gpu()})));
  }

  @Test
  void modelWithoutABlockIsRefused() {
    assertThatIllegalStateException().isThrownBy(() -> NormaTrainer.of(model, config())).withMessageContaining("block");
  }

  @Test
  void initializersOfTheConfigurationAreUsed() {
    Block block = NormaBatchNorm.builder().build();
    model.setBlock(block);
    var config = config().optInitializer(new ConstantInitializer(2.5f), Parameter.Type.GAMMA);
    try (Trainer trainer = NormaTrainer.of(model, config)) {
      trainer.initialize(new Shape(4, 3));
      assertThat(LayerResult.array(block, "gamma").toFloatArray()).containsExactly(2.5f, 2.5f, 2.5f);
      assertThat(LayerResult.array(block, "runningVar").toFloatArray()).containsExactly(1, 1, 1);
    }
  }

  @Test
  void listenersSeeOneTraining() {
    var counter = new Counter();
    model.setBlock(NormaBatchNorm.builder().build());
    NormaTrainer.of(model, config().addTrainingListeners(counter)).close();
    assertThat(counter.begun).isEqualTo(1);
    assertThat(counter.ended).isEqualTo(1);
  }

  private static final class Counter extends TrainingListenerAdapter {
    private int begun;
    private int ended;

    @Override
    public void onTrainingBegin(Trainer trainer) {
      begun++;
    }

    @Override
    public void onTrainingEnd(Trainer trainer) {
      ended++;
    }
  }

  @Test
  void networksOfTheEngineTrainAsWithItsOwnTrainer() {
    var mixed = new Training.Layers(Nets::engine, NormaTrainer::of);
    Map<String, double[]> actual = Training.run(Nets.RESIDUAL, mixed, DoubleUnaryOperator.identity());
    Map<String, double[]> expected = Training.run(Nets.RESIDUAL, Training.ENGINE, DoubleUnaryOperator.identity());
    assertThat(actual).containsOnlyKeys(expected.keySet());
    actual.forEach((name, values) -> assertThat(values).as(name).containsExactly(expected.get(name)));
  }
}
