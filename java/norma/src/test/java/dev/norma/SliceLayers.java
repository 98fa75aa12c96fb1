package dev.norma;

import static java.lang.foreign.MemorySegment.NULL;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.function.Function;

/** The layers that normalize slices, each with 6 parameters, and tensors that they take. */
enum SliceLayers {
  LAYER {
    @Override
    SliceLayer<?> build(Kernels kernels, DataType type, double epsilon, boolean affine) {
      return LayerNorm.builder(2, 3).kernels(kernels).dataType(type).epsilon(epsilon).affine(affine).build();
    }

    @Override
    List<Function<SliceLayer<?>, MemorySegment>> views() {
      return List.of(
          SliceLayer::gamma,
          SliceLayer::gammaGradient,
          layer -> ((LayerNorm) layer).beta(),
          layer -> ((LayerNorm) layer).betaGradient());
    }
  },
  RMS {
    @Override
    SliceLayer<?> build(Kernels kernels, DataType type, double epsilon, boolean affine) {
      return RmsNorm.builder(2, 3).kernels(kernels).dataType(type).epsilon(epsilon).affine(affine).build();
    }

    @Override
    List<Function<SliceLayer<?>, MemorySegment>> views() {
      return List.of(SliceLayer::gamma, SliceLayer::gammaGradient);
    }
  };

  abstract SliceLayer<?> build(Kernels kernels, DataType type, double epsilon, boolean affine);

  /** A layer as most are. */
  SliceLayer<?> build() {
    return build(Kernels.nativeKernels(), DataType.FLOAT32, 1e-5, true);
  }

  /** The state of a layer that can be looked at. */
  abstract List<Function<SliceLayer<?>, MemorySegment>> views();

  MemorySegment beta(SliceLayer<?> layer) {
    return this == RMS ? NULL : views().get(2).apply(layer);
  }

  Tensor tensor(Arena arena, DataType type, long batch) {
    return Tensor.allocate(arena, type, Layout.CHANNELS_FIRST, batch, 2, 3);
  }

  /** The number of slices of a tensor with one sample. */
  long slicesOfSample() {
    return 1;
  }

  /** Tensors that a layer does not take. */
  List<Tensor> badTensors(Arena arena) {
    return List.of(
        Tensor.allocate(arena, DataType.FLOAT64, Layout.CHANNELS_FIRST, 4, 2, 3),
        Tensor.allocate(arena, DataType.FLOAT32, Layout.CHANNELS_LAST, 4, 2, 3),
        Tensor.allocate(arena, DataType.FLOAT32, Layout.CHANNELS_FIRST, 4, 3, 2),
        Tensor.allocate(arena, DataType.FLOAT32, Layout.CHANNELS_FIRST, 4, 12),
        Tensor.allocate(arena, DataType.FLOAT32, Layout.CHANNELS_FIRST, 4, 2, 3, 1));
  }
}
