package dev.norma.djl;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.training.EasyTrain;
import ai.djl.training.ParameterStore;
import ai.djl.training.Trainer;
import ai.djl.training.dataset.Batch;
import ai.djl.translate.TranslateException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.DoubleUnaryOperator;
import org.junit.jupiter.api.Test;

/** What a batch leaves behind: nothing. */
class MemoryTest {
  private static final long MEBIBYTE = 1 << 20;

  /** The engine's arrays that are alive in the process. */
  private static int arrays() {
    try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
      return manager.getParentManager().getManagedArrays().size();
    }
  }

  /** The process's memory in the machine, in bytes. */
  private static long resident() throws IOException {
    return Long.parseLong(Files.readString(Path.of("/proc/self/statm")).split(" ")[1]) * 4096;
  }

  @Test
  void noArrayOutlivesItsBatch() throws IOException, TranslateException {
    try (Model model = Model.newInstance("net", Device.cpu(), "PyTorch")) {
      model.setBlock(Nets.RESIDUAL.norma());
      try (Trainer trainer = NormaTrainer.of(model, Training.config(DoubleUnaryOperator.identity()));
          NDManager manager = NDManager.newBaseManager("PyTorch")) {
        Shape input = Nets.RESIDUAL.input(Training.BATCH);
        trainer.initialize(input);
        var data = Training.data(manager, input);
        EasyTrain.fit(trainer, 1, data, data);
        int before = arrays();
        for (int epoch = 0; epoch < 250; epoch++) {
          for (Batch batch : trainer.iterateDataset(data)) {
            EasyTrain.trainBatch(trainer, batch);
            trainer.step();
            EasyTrain.validateBatch(trainer, batch);
            batch.close();
          }
        }
        assertThat(arrays()).isEqualTo(before);
      }
    }
  }

  /**
   * A pass makes at least x, y, its gradient and dx, of one mebibyte each. If one of them, or the graph that holds it,
   * stayed behind, the process would grow by the number of passes in mebibytes. An eighth of that is allowed for what
   * the Java heap and the allocators may take.
   */
  @Test
  void processDoesNotGrow() throws IOException {
    int passes = 2000;
    Shape shape = new Shape(64, 16, 16, 16);
    try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
      Block block = NormaBatchNorm.builder().build();
      block.initialize(manager, DataType.FLOAT32, shape);
      train(block, manager, shape, 50);
      long before = resident();
      train(block, manager, shape, passes);
      assertThat(resident() - before).isLessThan(passes * MEBIBYTE / 8);
    }
  }

  private static void train(Block block, NDManager manager, Shape shape, int passes) {
    var store = new ParameterStore(manager, false);
    for (int pass = 0; pass < passes; pass++) {
      try (NDManager batch = manager.newSubManager();
          var collector = NormaGradientCollector.open()) {
        NDArray x = batch.ones(shape);
        x.setRequiresGradient(true);
        NDArray y = block.forward(store, new NDList(x.mul(2)), true).singletonOrThrow();
        collector.backward(y.mean());
      }
    }
  }
}
