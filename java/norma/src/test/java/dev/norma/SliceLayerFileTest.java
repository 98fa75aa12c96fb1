package dev.norma;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The state of a layer of slices through a file. */
class SliceLayerFileTest {
  private static final GradientDescent RULE = GradientDescent.of(0.1).withMomentum(0.9);

  @AutoClose private final Arena arena = Arena.ofConfined();
  @TempDir private Path folder;
  private Path file;

  @BeforeEach
  void name() {
    file = folder.resolve("layer.safetensors");
  }

  private void train(SliceLayers kind, SliceLayer<?> layer, int steps) {
    var x = kind.tensor(arena, layer.dataType(), 5);
    var y = kind.tensor(arena, layer.dataType(), 5);
    for (var step = 0; step < steps; step++) {
      for (var i = 0L; i < x.size(); i++) {
        x.set(i, Math.sin(i + step) + i);
      }
      layer.forward(x, y);
      layer.backward(x, y, y);
      layer.step(RULE);
    }
  }

  private static List<String> state(SliceLayers kind, SliceLayer<?> layer) {
    return kind.views().stream().map(view -> Arrays.toString(view.apply(layer).toArray(JAVA_BYTE))).toList();
  }

  /** The loaded layer is the saved one, also in what only shows later: the velocities. */
  @ParameterizedTest
  @EnumSource
  void aLoadedLayerGoesOnWhereTheSavedOneStood(SliceLayers kind) {
    for (var type : DataType.values()) {
      try (var saved = kind.build(Kernels.nativeKernels(), type, 1e-5, true);
          var loaded = kind.build(Kernels.nativeKernels(), type, 1e-5, true)) {
        train(kind, saved, 3);
        saved.save(file);
        train(kind, loaded, 1);
        loaded.load(file);
        assertThatIllegalStateException().isThrownBy(() -> loaded.step(RULE));
        assertThatIllegalStateException().isThrownBy(() -> train1(kind, loaded));
        assertThat(loaded.gamma().mismatch(saved.gamma())).isEqualTo(-1);
        train(kind, saved, 2);
        train(kind, loaded, 2);
        assertThat(state(kind, loaded)).isEqualTo(state(kind, saved));
      }
    }
  }

  private void train1(SliceLayers kind, SliceLayer<?> layer) {
    var x = kind.tensor(arena, layer.dataType(), 5);
    layer.backward(x, x, kind.tensor(arena, layer.dataType(), 5));
  }

  @Test
  void theNamesAndShapesAreThoseOfPyTorch() {
    try (var layer = LayerNorm.builder(6, 4).build();
        var rms = RmsNorm.builder(6, 4).build();
        var scaled = LayerNorm.builder(6, 4).bias(false).build();
        var plain = LayerNorm.builder(6, 4).affine(false).build()) {
      layer.save(file);
      var content = SafeTensors.read(file, arena);
      assertThat(content.tensors()).containsOnlyKeys("weight", "bias");
      assertThat(content.tensor("bias").shape()).containsExactly(6L, 4L);
      assertThat(content.metadata()).containsExactly(Map.entry("norma.epsilon", "1.0E-5"));
      train(SliceLayers.LAYER, layer, 1);
      layer.save(file);
      assertThat(SafeTensors.read(file, arena).tensors())
          .containsOnlyKeys("weight", "bias", "velocity.weight", "velocity.bias");
      for (var withoutBeta : List.of(rms, scaled)) {
        withoutBeta.save(file);
        withoutBeta.load(file);
        assertThat(SafeTensors.read(file, arena).tensors()).containsOnlyKeys("weight");
      }
      plain.save(file);
      plain.load(file);
      assertThat(SafeTensors.read(file, arena).tensors()).isEmpty();
    }
  }

  private SafeTensors.Entry floats(long... shape) {
    var values = arena.allocate(JAVA_FLOAT, Arrays.stream(shape).reduce(1, (a, b) -> a * b));
    for (var i = 0L; i < values.byteSize() / Float.BYTES; i++) {
      values.setAtIndex(JAVA_FLOAT, i, i + 1);
    }
    return SafeTensors.Entry.of(SafeTensors.Type.F32, values, shape);
  }

  @Test
  void namesAndShapesOfChannels() {
    try (var group = GroupNorm.builder(2, 6).build();
        var plain = InstanceNorm.builder(6).build();
        var tracking = InstanceNorm.builder(6).trackRunningStatistics(true).build()) {
      group.save(file);
      assertThat(SafeTensors.read(file, arena).tensors()).containsOnlyKeys("weight", "bias");
      assertThat(SafeTensors.read(file, arena).tensor("weight").shape()).containsExactly(6L);
      plain.save(file);
      plain.load(file);
      assertThat(SafeTensors.read(file, arena).tensors()).isEmpty();
      tracking.save(file);
      assertThat(SafeTensors.read(file, arena).tensors())
          .containsOnlyKeys("running_mean", "running_var", "num_batches_tracked");
      assertThat(SafeTensors.read(file, arena).metadata())
          .containsOnlyKeys("norma.epsilon", "norma.refused_batches", "norma.running_rule");
      requireRefused(SliceLayers.INSTANCE, plain, List.of(), "it has a tensor '");
    }
  }

  @Test
  void filesOfPyTorchAreTaken() {
    try (var layer = LayerNorm.builder(6, 4).build();
        var tracking = InstanceNorm.builder(6).trackRunningStatistics(true).build()) {
      train(SliceLayers.LAYER, layer, 2);
      new SafeTensors(Map.of("weight", floats(6, 4), "bias", floats(6, 4)), Map.of("format", "pt")).write(file);
      layer.load(file);
      assertThat(layer.gamma().toArray(JAVA_FLOAT)).startsWith(1, 2, 3).hasSize(24);
      assertThat(layer.beta().toArray(JAVA_FLOAT)).startsWith(1, 2, 3).hasSize(24);
      var count = SafeTensors.Entry.of(SafeTensors.Type.I64, arena.allocateFrom(JAVA_LONG, 7));
      new SafeTensors(
              Map.of("running_mean", floats(6), "running_var", floats(6), "num_batches_tracked", count), Map.of())
          .write(file);
      tracking.load(file);
      assertThat(tracking.runningVar().toArray(JAVA_FLOAT)).containsExactly(1, 2, 3, 4, 5, 6);
      assertThat(tracking.batches()).isEqualTo(7);
    }
  }

  @ParameterizedTest
  @EnumSource
  void otherFilesAreRefused(SliceLayers kind) {
    try (var layer = kind.build()) {
      train(kind, layer, 2);
      new SafeTensors(Map.of("bias", floats(6)), Map.of()).write(file);
      requireRefused(kind, layer, kind.parameters(), "");
      new SafeTensors(Map.of("weight", floats(6, 1), "bias", floats(6, 1)), Map.of()).write(file);
      requireRefused(kind, layer, kind.parameters(), "");
      try (var other = kind.build(Kernels.nativeKernels(), DataType.FLOAT32, 0.5, true)) {
        other.save(file);
      }
      requireRefused(kind, layer, kind.parameters(), "it was saved with epsilon 0.5; this layer has 1.0E-5");
      layer.step(RULE.withLearningRate(0));
    }
  }

  private void requireRefused(
      SliceLayers kind,
      SliceLayer<?> layer,
      List<Function<SliceLayer<?>, MemorySegment>> views,
      String problem) {
    var before = views.stream().map(view -> Arrays.toString(view.apply(layer).toArray(JAVA_BYTE))).toList();
    assertThatExceptionOfType(MalformedFileException.class)
        .as(kind.toString())
        .isThrownBy(() -> layer.load(file))
        .withMessageStartingWith(file + ": " + problem);
    assertThat(views.stream().map(view -> Arrays.toString(view.apply(layer).toArray(JAVA_BYTE))).toList())
        .isEqualTo(before);
  }
}
