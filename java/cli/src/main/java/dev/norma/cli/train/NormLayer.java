package dev.norma.cli.train;

import ai.djl.nn.Block;
import ai.djl.nn.norm.BatchNorm;
import dev.norma.Kernels;
import dev.norma.djl.NormaBatchNorm;
import java.util.Locale;

/** Whose batch normalization runs. */
enum NormLayer {
  NORMA {
    @Override
    Block create(boolean checked) {
      // One thread, as the engine has: a second one costs more than batches of this size take.
      return NormaBatchNorm.builder()
          .optKernels(checked ? Kernels::checked : Kernels::nativeKernels)
          .optThreads(1)
          .build();
    }
  },
  DJL {
    @Override
    Block create(boolean checked) {
      return BatchNorm.builder().build();
    }
  };

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** {@code checked}: compare every call with the reference, where the layer can. */
  abstract Block create(boolean checked);
}
