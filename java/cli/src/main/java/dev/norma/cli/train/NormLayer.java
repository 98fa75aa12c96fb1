package dev.norma.cli.train;

import ai.djl.nn.Block;
import ai.djl.nn.norm.BatchNorm;
import ai.djl.nn.norm.LayerNorm;
import dev.norma.Kernels;
import dev.norma.djl.NormaBatchNorm;
import dev.norma.djl.NormaGroupNorm;
import dev.norma.djl.NormaInstanceNorm;
import dev.norma.djl.NormaLayerNorm;
import java.util.Locale;
import java.util.function.Supplier;

/** Whose normalization runs. {@code checked}: compare every call with the reference, where the layer can. */
enum NormLayer {
  NORMA {
    @Override
    Block batch(boolean checked) {
      return NormaBatchNorm.builder().optKernels(kernels(checked)).optThreads(THREADS).build();
    }

    @Override
    Block layer(boolean checked) {
      return NormaLayerNorm.builder().optKernels(kernels(checked)).optThreads(THREADS).build();
    }

    @Override
    Block instance(boolean checked) {
      return NormaInstanceNorm.builder().optKernels(kernels(checked)).optThreads(THREADS).build();
    }

    @Override
    Block group(boolean checked) {
      return NormaGroupNorm.builder()
          .setGroups(GROUPS)
          .optKernels(kernels(checked))
          .optThreads(THREADS)
          .build();
    }

    @Override
    boolean has(Normalization normalization) {
      return true;
    }

    private Supplier<Kernels> kernels(boolean checked) {
      return checked ? Kernels::checked : Kernels::nativeKernels;
    }
  },
  DJL {
    @Override
    Block batch(boolean checked) {
      return BatchNorm.builder().build();
    }

    @Override
    Block layer(boolean checked) {
      return LayerNorm.builder().build();
    }

    @Override
    Block instance(boolean checked) {
      throw new UnsupportedOperationException("Deep Java Library has no instance normalization");
    }

    @Override
    Block group(boolean checked) {
      throw new UnsupportedOperationException("Deep Java Library has no group normalization");
    }

    @Override
    boolean has(Normalization normalization) {
      return normalization != Normalization.INSTANCE && normalization != Normalization.GROUP;
    }
  };

  /** Of channels: no larger number divides those of both convolutions of LeNet, 6 and 16. */
  static final int GROUPS = 2;

  /** As the engine has: a second thread costs more than batches of this size take. */
  private static final int THREADS = 1;

  abstract Block batch(boolean checked);

  /** Over all features of an image: of a convolution, its channels and pixels. */
  abstract Block layer(boolean checked);

  /** Over the pixels of a channel. */
  abstract Block instance(boolean checked);

  /** Over a group of channels, with their pixels. */
  abstract Block group(boolean checked);

  /** Whether there is such a layer. */
  abstract boolean has(Normalization normalization);

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
