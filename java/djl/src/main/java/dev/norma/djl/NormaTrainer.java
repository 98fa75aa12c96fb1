package dev.norma.djl;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.pytorch.engine.PtEngine;
import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.GradientCollector;
import ai.djl.training.Trainer;
import ai.djl.training.TrainingConfig;
import java.util.Arrays;

/**
 * A trainer for models with blocks such as {@link NormaBatchNorm}: {@code NormaTrainer.of(model, config)} in place of
 * {@code model.newTrainer(config)}. Everything else stays as it is, {@link ai.djl.training.EasyTrain} included. A model
 * without such blocks trains as with the engine's own trainer.
 */
public final class NormaTrainer extends Trainer {

  private NormaTrainer(Model model, TrainingConfig config) {
    super(model, config);
  }

  /**
   * Makes a trainer.
   *
   * @param model a model of the PyTorch engine, with its block set
   * @param config the configuration; its only device must be the CPU
   * @return the trainer, to be initialized and closed by the caller
   * @throws IllegalArgumentException if the model is of another engine, or the configuration has another device
   * @throws IllegalStateException if the model has no block
   */
  public static NormaTrainer of(Model model, TrainingConfig config) {
    String engine = model.getNDManager().getEngine().getEngineName();
    if (!PtEngine.ENGINE_NAME.equals(engine)) {
      throw new IllegalArgumentException("the model must be of the PyTorch engine, not of " + engine);
    }
    Device[] devices = config.getDevices();
    if (devices.length != 1 || !"cpu".equals(devices[0].getDeviceType())) {
      throw new IllegalArgumentException(
          "training needs the CPU as its only device, not %s: use optDevices(new Device[] {Device.cpu()})"
              .formatted(Arrays.toString(devices)));
    }
    prepare(model, config);
    return new NormaTrainer(model, config);
  }

  /**
   * Sets initializers and frees parameters the way the model itself does it for a trainer, which is closed at once. It
   * has no listeners, for they would see two trainings.
   */
  private static void prepare(Model model, TrainingConfig config) {
    var bare = new DefaultTrainingConfig(config.getLossFunction()).optDevices(config.getDevices());
    config.getInitializers().forEach(pair -> bare.optInitializer(pair.getKey(), pair.getValue()));
    model.newTrainer(bare).close();
  }

  /**
   * A collector that runs the backward passes of these blocks.
   *
   * @return a new collector, to be closed by the caller
   */
  @Override
  public GradientCollector newGradientCollector() {
    return NormaGradientCollector.open();
  }
}
