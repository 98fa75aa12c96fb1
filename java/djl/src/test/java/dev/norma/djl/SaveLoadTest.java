package dev.norma.djl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.Device;
import ai.djl.MalformedModelException;
import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.norm.LayerNorm;
import ai.djl.training.EasyTrain;
import ai.djl.training.ParameterStore;
import ai.djl.training.Trainer;
import ai.djl.translate.TranslateException;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.util.function.DoubleUnaryOperator;
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Parameters in files are those of the engine's own layer. */
class SaveLoadTest {
  private final NDManager manager = NDManager.newBaseManager("PyTorch");

  @AfterEach
  void close() {
    manager.close();
  }

  @Test
  void filesAreTheSameBytes() throws IOException {
    byte[] norma = bytes(initialized(Nets.RESIDUAL, Nets::norma));
    assertThat(norma).isEqualTo(bytes(initialized(Nets.RESIDUAL, Nets::engine)));
  }

  @Test
  void eachLoadsWhatTheOtherSaved() throws IOException, MalformedModelException {
    Block norma = Nets.RESIDUAL.norma();
    Block engine = Nets.RESIDUAL.engine();
    byte[] first = bytes(initialized(Nets.RESIDUAL, Nets::engine));
    load(norma, first);
    load(engine, bytes(norma));
    assertThat(bytes(engine)).isEqualTo(first);

    NDArray x = manager.randomNormal(Nets.RESIDUAL.input(5));
    assertThat(evaluate(norma, x)).usingComparatorWithPrecision(1e-5f).containsExactly(evaluate(engine, x));
  }

  @Test
  void layerNormFilesAreThoseOfTheEngine() throws IOException, MalformedModelException {
    Block norma = Norm.LAYER.norma();
    Block engine = LayerNorm.builder().build();
    engine.initialize(manager, DataType.FLOAT32, new Shape(2, 3, 4));
    byte[] saved = bytes(engine);
    load(norma, saved);
    assertThat(bytes(norma)).isEqualTo(saved);
    Block again = LayerNorm.builder().build();
    load(again, bytes(norma));
    NDArray x = manager.randomNormal(new Shape(5, 3, 4));
    assertThat(evaluate(norma, x)).usingComparatorWithPrecision(1e-5f).containsExactly(evaluate(again, x));
  }

  @ParameterizedTest
  @EnumSource
  void everyNormLoadsWhatItSaved(Norm norm) throws IOException, MalformedModelException {
    Sample sample = Sample.of(norm.shapes().findFirst().orElseThrow(), norm, DataType.FLOAT32, 9);
    Block saved = norm.norma();
    LayerResult.initialize(saved, sample, manager);
    Block loaded = norm.norma();
    load(loaded, bytes(saved));
    NDArray x = sample.input(manager);
    assertThat(evaluate(loaded, x)).containsExactly(evaluate(saved, x));
    assertThat(bytes(loaded)).isEqualTo(bytes(saved));
    byte[] unknown = {9, 0, 0, 0};
    assertThatThrownBy(() -> load(norm.norma(), unknown))
        .isInstanceOf(MalformedModelException.class)
        .hasMessageContaining("9");
  }

  @Test
  void aFileOfOtherGroupsIsRefused() throws IOException {
    Block two = NormaGroupNorm.builder().setGroups(2).build();
    two.initialize(manager, DataType.FLOAT32, new Shape(3, 4, 5));
    byte[] saved = bytes(two);
    assertThatThrownBy(() -> load(NormaGroupNorm.builder().setGroups(4).build(), saved))
        .isInstanceOf(MalformedModelException.class)
        .hasMessageContaining("2 groups, this one has 4");
  }

  @Test
  void loadsTheFirstVersionWhichHasNoShapes() throws IOException, MalformedModelException {
    Block saved = NormaBatchNorm.builder().build();
    saved.initialize(manager, DataType.FLOAT32, new Shape(2, 3));
    var old = new ByteArrayOutputStream();
    try (var out = new DataOutputStream(old)) {
      out.writeByte(1);
      out.writeLong(3);
      for (var parameter : saved.getDirectParameters().values()) {
        parameter.save(out);
      }
    }
    Block block = NormaBatchNorm.builder().build();
    load(block, old.toByteArray());
    assertThat(LayerResult.array(block, "runningVar").toFloatArray()).containsExactly(1, 1, 1);
  }

  @Test
  void unknownVersionIsRefused() {
    Block block = NormaBatchNorm.builder().build();
    assertThatThrownBy(() -> load(block, new byte[] {9, 0, 0, 0}))
        .isInstanceOf(MalformedModelException.class)
        .hasMessageContaining("9");
  }

  @Test
  void trainingContinuesFromAFile(@TempDir Path folder)
      throws IOException, MalformedModelException, TranslateException {
    try (Model model = Model.newInstance("net", Device.cpu(), "PyTorch")) {
      model.setBlock(initialized(Nets.PERCEPTRON, Nets::norma));
      model.save(folder, "net");
    }
    try (Model model = Model.newInstance("net", Device.cpu(), "PyTorch")) {
      model.setBlock(Nets.PERCEPTRON.norma());
      model.load(folder, "net");
      byte[] loaded = bytes(model.getBlock());
      try (Trainer trainer = NormaTrainer.of(model, Training.config(DoubleUnaryOperator.identity()))) {
        Shape input = Nets.PERCEPTRON.input(Training.BATCH);
        trainer.initialize(input);
        assertThat(bytes(model.getBlock())).isEqualTo(loaded);
        EasyTrain.fit(trainer, 1, Training.data(manager, input), null);
      }
      assertThat(bytes(model.getBlock())).isNotEqualTo(loaded);
    }
  }

  private Block initialized(Nets net, Function<Nets, Block> layers) {
    Block block = layers.apply(net);
    Training.config(DoubleUnaryOperator.identity())
        .getInitializers()
        .forEach(pair -> block.setInitializer(pair.getKey(), pair.getValue()));
    block.initialize(manager, DataType.FLOAT32, net.input(Training.BATCH));
    return block;
  }

  private float[] evaluate(Block block, NDArray x) {
    return block.forward(new ParameterStore(manager, false), new NDList(x), false).singletonOrThrow().toFloatArray();
  }

  private static byte[] bytes(Block block) throws IOException {
    var bytes = new ByteArrayOutputStream();
    try (var out = new DataOutputStream(bytes)) {
      block.saveParameters(out);
    }
    return bytes.toByteArray();
  }

  private void load(Block block, byte[] bytes) throws IOException, MalformedModelException {
    try (var in = new DataInputStream(new ByteArrayInputStream(bytes))) {
      block.loadParameters(manager, in);
    }
  }
}
