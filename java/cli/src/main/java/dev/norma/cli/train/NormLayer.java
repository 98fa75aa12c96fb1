package dev.norma.cli.train;

import ai.djl.nn.Block;
import ai.djl.nn.norm.BatchNorm;
import ai.djl.nn.norm.LayerNorm;
import dev.norma.Kernels;
import dev.norma.djl.NormaBatchNorm;
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
  };

  /** As the engine has: a second thread costs more than batches of this size take. */
  private static final int THREADS = 1;

  abstract Block batch(boolean checked);

  /** Over all features of an image: of a convolution, its channels and pixels. */
  abstract Block layer(boolean checked);

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
