package dev.norma;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The state of a layer through a file. */
class BatchNormFileTest {
  private static final GradientDescent RULE = GradientDescent.of(0.1).withMomentum(0.9);

  @AutoClose private final Arena arena = Arena.ofConfined();
  @TempDir private Path folder;
  private Path file;

  @BeforeEach
  void name() {
    file = folder.resolve("layer.safetensors");
  }

  private static BatchNorm.Builder builder(DataType type) {
    return BatchNorm.builder(3).dataType(type).refuseNonFinite(true);
  }

  /** Some steps of training, one of them on a batch that is refused. */
  private void train(BatchNorm layer, int steps) {
    var x = Tensor.allocate(arena, layer.dataType(), Layout.CHANNELS_FIRST, 4, 3, 5);
    var y = Tensor.allocate(arena, layer.dataType(), Layout.CHANNELS_FIRST, 4, 3, 5);
    for (var step = 0; step < steps; step++) {
      for (var i = 0L; i < x.size(); i++) {
        x.set(i, Math.sin(i + step));
      }
      layer.forward(x, y);
      layer.backward(x, y, y);
      layer.step(RULE);
    }
    x.set(0, Double.NaN);
    layer.forward(x, y);
  }

  private static List<String> state(BatchNorm layer) {
    return Stream.concat(
            Stream.of(layer.gamma(), layer.beta(), layer.runningMean(), layer.runningVar())
                .map(segment -> Arrays.toString(segment.toArray(JAVA_BYTE))),
            Stream.of("batches " + layer.batches(), "refused " + layer.refused()))
        .toList();
  }

  /** The loaded layer is the saved one, also in what only shows later: the velocities. */
  @ParameterizedTest
  @EnumSource
  void aLoadedLayerGoesOnWhereTheSavedOneStood(DataType type) {
    try (var saved = builder(type).build();
        var loaded = builder(type).build()) {
      train(saved, 3);
      saved.save(file);
      train(loaded, 1);
      loaded.load(file);
      assertThat(state(loaded)).isEqualTo(state(saved));
      assertThat(saved.batches()).isEqualTo(3);
      assertThat(saved.refused()).isEqualTo(1);
      train(saved, 2);
      train(loaded, 2);
      assertThat(state(loaded)).isEqualTo(state(saved));
    }
  }

  @Test
  void theNamesAreThoseOfPyTorch() {
    try (var layer = builder(DataType.FLOAT32).build()) {
      layer.save(file);
      assertThat(SafeTensors.read(file, arena).tensors())
          .containsOnlyKeys("weight", "bias", "running_mean", "running_var", "num_batches_tracked");
      train(layer, 1);
      layer.save(file);
      var content = SafeTensors.read(file, arena);
      assertThat(content.tensors())
          .containsOnlyKeys(
              "weight",
              "bias",
              "running_mean",
              "running_var",
              "num_batches_tracked",
              "velocity.weight",
              "velocity.bias");
      assertThat(content.tensor("weight").type()).isEqualTo(SafeTensors.Type.F32);
      assertThat(content.tensor("weight").shape()).containsExactly(3L);
      assertThat(content.tensor("num_batches_tracked").type()).isEqualTo(SafeTensors.Type.I64);
      assertThat(content.tensor("num_batches_tracked").shape()).isEmpty();
      assertThat(content.metadata())
          .containsEntry("norma.epsilon", "1.0E-5")
          .containsEntry("norma.refused_batches", "1")
          .containsEntry(
              "norma.running_rule",
              "RunningRule[momentum=0.9, cumulative=false, unbiased=false, refuseNonFinite=true]");
    }
  }

  @Test
  void aLayerWithoutGammaAndBetaHasNoneInTheFile() {
    try (var layer = BatchNorm.builder(3).affine(false).build()) {
      layer.save(file);
      layer.load(file);
      assertThat(SafeTensors.read(file, arena).tensors())
          .containsOnlyKeys("running_mean", "running_var", "num_batches_tracked");
    }
  }

  /** What PyTorch writes for a layer: no metadata, no velocities. */
  private Map<String, SafeTensors.Entry> pytorch() {
    var tensors = new HashMap<String, SafeTensors.Entry>();
    for (var name : List.of("weight", "bias", "running_mean", "running_var")) {
      tensors.put(name, floats(1, 2, 3));
    }
    tensors.put("num_batches_tracked", count(7));
    return tensors;
  }

  private SafeTensors.Entry floats(float... values) {
    return SafeTensors.Entry.of(SafeTensors.Type.F32, arena.allocateFrom(JAVA_FLOAT, values), values.length);
  }

  private SafeTensors.Entry count(long value) {
    return SafeTensors.Entry.of(SafeTensors.Type.I64, arena.allocateFrom(JAVA_LONG, value));
  }

  @Test
  void aFileOfPyTorchIsTaken() {
    new SafeTensors(pytorch(), Map.of("format", "pt")).write(file);
    try (var layer = builder(DataType.FLOAT32).build()) {
      train(layer, 2);
      layer.load(file);
      assertThat(layer.gamma().toArray(JAVA_FLOAT)).containsExactly(1, 2, 3);
      assertThat(layer.batches()).isEqualTo(7);
      assertThat(layer.refused()).isZero();
      requireNoVelocity(layer);
    }
  }

  /** With a zero gradient a step moves only by the velocity. */
  private void requireNoVelocity(BatchNorm layer) {
    var zero = Tensor.allocate(arena, DataType.FLOAT32, Layout.CHANNELS_FIRST, 4, 3, 5);
    layer.backwardInference(zero, zero, Tensor.allocate(arena, DataType.FLOAT32, Layout.CHANNELS_FIRST, 4, 3, 5));
    layer.step(RULE);
    assertThat(layer.gamma().toArray(JAVA_FLOAT)).containsExactly(1, 2, 3);
  }

  @Test
  void afterALoadBackwardNeedsANewForward() {
    try (var layer = builder(DataType.FLOAT32).build()) {
      train(layer, 1);
      layer.save(file);
      layer.load(file);
      var x = Tensor.allocate(arena, DataType.FLOAT32, Layout.CHANNELS_FIRST, 4, 3, 5);
      assertThatExceptionOfType(IllegalStateException.class).isThrownBy(() -> layer.backward(x, x, x));
      assertThatExceptionOfType(IllegalStateException.class).isThrownBy(() -> layer.step(RULE));
    }
  }

  private void requireRefused(Map<String, SafeTensors.Entry> tensors, Map<String, String> metadata, String problem) {
    new SafeTensors(tensors, metadata).write(file);
    requireRefused(problem);
  }

  private void requireRefused(String problem) {
    try (var layer = builder(DataType.FLOAT32).build()) {
      train(layer, 2);
      var before = state(layer);
      assertThatExceptionOfType(MalformedFileException.class)
          .isThrownBy(() -> layer.load(file))
          .withMessage(file + ": " + problem);
      assertThat(state(layer)).isEqualTo(before);
      layer.step(RULE);
    }
  }

  private void requireRefusedWith(String name, SafeTensors.Entry tensor, String problem) {
    var tensors = pytorch();
    tensors.put(name, tensor);
    requireRefused(tensors, Map.of(), problem);
  }

  @Test
  void tensorsOfAnotherTypeOrSize() {
    requireRefusedWith("bias", floats(1, 2), "tensor 'bias' is F32 [2]; expected F32 [3]");
    var doubles = SafeTensors.Entry.of(SafeTensors.Type.F64, arena.allocate(24), 3);
    requireRefusedWith("running_var", doubles, "tensor 'running_var' is F64 [3]; expected F32 [3]");
    var square = SafeTensors.Entry.of(SafeTensors.Type.F32, arena.allocate(12), 3, 1);
    requireRefusedWith("weight", square, "tensor 'weight' is F32 [3, 1]; expected F32 [3]");
    requireRefusedWith(
        "num_batches_tracked", floats(1), "tensor 'num_batches_tracked' is F32 [1]; expected I64 []");
    requireRefusedWith("velocity.bias", floats(1), "tensor 'velocity.bias' is F32 [1]; expected F32 [3]");
    requireRefusedWith("conv.weight", floats(1), "it has a tensor 'conv.weight', which this layer has not");
    requireRefusedWith(
        "num_batches_tracked", count(-1), "it counts -1 batches and 0 refused ones; expected no negative number");
  }

  @Test
  void aMissingTensor() {
    var tensors = pytorch();
    tensors.remove("running_mean");
    requireRefused(tensors, Map.of(), "it has no tensor 'running_mean'; expected F32 [3]");
  }

  @Test
  void anotherEpsilon() {
    requireRefused(
        pytorch(),
        Map.of("norma.epsilon", "0.001"),
        "it was saved with epsilon 0.001; this layer has 1.0E-5");
  }

  @Test
  void malformedMetadata() {
    requireRefused(
        pytorch(),
        Map.of("norma.refused_batches", "many"),
        "metadata norma.refused_batches is 'many'; expected a whole number");
  }

  /** Cut anywhere, a file is refused: no prefix of it is a file. */
  @Test
  void everyTruncationIsRefused() throws IOException {
    try (var layer = builder(DataType.FLOAT32).build()) {
      train(layer, 2);
      layer.save(file);
      var whole = Files.readAllBytes(file);
      var before = state(layer);
      for (var length = 0; length < whole.length; length++) {
        Files.write(file, Arrays.copyOf(whole, length));
        assertThatExceptionOfType(MalformedFileException.class)
            .as("the first %d bytes", length)
            .isThrownBy(() -> layer.load(file));
      }
      assertThat(state(layer)).isEqualTo(before);
    }
  }

  /** A byte that is wrong in the header is refused or harmless, but nothing worse. */
  @Test
  void damagedHeaders() throws IOException {
    try (var layer = builder(DataType.FLOAT32).build()) {
      layer.save(file);
      var whole = Files.readAllBytes(file);
      var random = Problem.generator(6);
      for (var i = 0; i < 3000; i++) {
        var damaged = whole.clone();
        damaged[random.nextInt(whole.length - 60)] = (byte) random.nextInt(256);
        Files.write(file, damaged);
        try {
          layer.load(file);
        } catch (MalformedFileException e) {
          assertThat(e).hasMessageStartingWith(file + ": ");
        }
      }
    }
  }

  @Test
  void savingReplacesAFileInOneStep() throws IOException {
    try (var layer = builder(DataType.FLOAT32).build()) {
      Files.writeString(file, "something else");
      layer.save(file);
      layer.load(file);
      try (var files = Files.list(folder)) {
        assertThat(files).containsExactly(file);
      }
    }
  }
}
