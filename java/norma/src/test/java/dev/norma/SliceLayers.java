package dev.norma;

import static java.lang.foreign.MemorySegment.NULL;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Stream;

/** The layers that normalize slices, each with 6 parameters, and tensors that they take. */
enum SliceLayers {
  LAYER(1) {
    @Override
    SliceLayer<?> build(Kernels kernels, DataType type, double epsilon, boolean affine) {
      return LayerNorm.builder(6, 4).kernels(kernels).dataType(type).epsilon(epsilon).affine(affine).build();
    }

    @Override
    List<Function<SliceLayer<?>, MemorySegment>> shifts() {
      return List.of(layer -> ((LayerNorm) layer).beta(), layer -> ((LayerNorm) layer).betaGradient());
    }
  },
  RMS(1) {
    @Override
    SliceLayer<?> build(Kernels kernels, DataType type, double epsilon, boolean affine) {
      return RmsNorm.builder(6, 4).kernels(kernels).dataType(type).epsilon(epsilon).affine(affine).build();
    }

    @Override
    List<Function<SliceLayer<?>, MemorySegment>> shifts() {
      return List.of();
    }
  },
  GROUP(2) {
    @Override
    SliceLayer<?> build(Kernels kernels, DataType type, double epsilon, boolean affine) {
      return GroupNorm.builder(2, 6).kernels(kernels).dataType(type).epsilon(epsilon).affine(affine).build();
    }
  },
  INSTANCE(6) {
    @Override
    SliceLayer<?> build(Kernels kernels, DataType type, double epsilon, boolean affine) {
      return InstanceNorm.builder(6).kernels(kernels).dataType(type).epsilon(epsilon).affine(affine).build();
    }
  },
  TRACKING_INSTANCE(6) {
    @Override
    SliceLayer<?> build(Kernels kernels, DataType type, double epsilon, boolean affine) {
      return InstanceNorm.builder(6)
          .trackRunningStatistics(true)
          .kernels(kernels)
          .dataType(type)
          .epsilon(epsilon)
          .affine(affine)
          .build();
    }

    @Override
    List<Function<SliceLayer<?>, MemorySegment>> running() {
      return List.of(layer -> ((InstanceNorm) layer).runningMean(), layer -> ((InstanceNorm) layer).runningVar());
    }
  };

  private final long slicesOfSample;

  SliceLayers(long slicesOfSample) {
    this.slicesOfSample = slicesOfSample;
  }

  abstract SliceLayer<?> build(Kernels kernels, DataType type, double epsilon, boolean affine);

  /** A layer as most are. */
  SliceLayer<?> build() {
    return build(Kernels.nativeKernels(), DataType.FLOAT32, 1e-5, true);
  }

  /** Beta and its gradient. */
  List<Function<SliceLayer<?>, MemorySegment>> shifts() {
    return List.of(layer -> ((GroupLayer) layer).beta(), layer -> ((GroupLayer) layer).betaGradient());
  }

  List<Function<SliceLayer<?>, MemorySegment>> running() {
    return List.of();
  }

  /** What only a layer with parameters has. */
  List<Function<SliceLayer<?>, MemorySegment>> parameters() {
    var scales = Stream.<Function<SliceLayer<?>, MemorySegment>>of(SliceLayer::gamma, SliceLayer::gammaGradient);
    return Stream.concat(scales, shifts().stream()).toList();
  }

  /** The state of a layer that can be looked at. */
  List<Function<SliceLayer<?>, MemorySegment>> views() {
    return Stream.concat(parameters().stream(), running().stream()).toList();
  }

  MemorySegment beta(SliceLayer<?> layer) {
    return this == RMS ? NULL : shifts().getFirst().apply(layer);
  }

  Tensor tensor(Arena arena, DataType type, long batch) {
    return Tensor.allocate(arena, type, Layout.CHANNELS_FIRST, batch, 6, 4);
  }

  /** The number of slices of a tensor with one sample. */
  long slicesOfSample() {
    return slicesOfSample;
  }

  /** Tensors that a layer does not take, or not together with others. */
  static List<Tensor> badTensors(Arena arena) {
    return List.of(
        Tensor.allocate(arena, DataType.FLOAT64, Layout.CHANNELS_FIRST, 4, 6, 4),
        Tensor.allocate(arena, DataType.FLOAT32, Layout.CHANNELS_LAST, 4, 6, 4),
        Tensor.allocate(arena, DataType.FLOAT32, Layout.CHANNELS_FIRST, 4, 4, 6),
        Tensor.allocate(arena, DataType.FLOAT32, Layout.CHANNELS_FIRST, 4, 12),
        Tensor.allocate(arena, DataType.FLOAT32, Layout.CHANNELS_FIRST, 4, 6, 4, 1));
  }
}
