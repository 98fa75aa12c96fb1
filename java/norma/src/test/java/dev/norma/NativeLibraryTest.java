package dev.norma;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class NativeLibraryTest {
  @Test
  void itTellsAboutItself() {
    assertThat(NativeLibrary.path()).isAbsolute().isRegularFile();
    assertThat(NativeLibrary.version()).matches("\\d+\\.\\d+\\.\\d+");
    assertThat(NativeLibrary.defaultThreads()).isPositive();
    assertThat(NativeLibrary.isaLevels()).isNotEmpty().extracting(NativeLibrary.IsaLevel::name).doesNotHaveDuplicates();
    assertThat(NativeLibrary.isaLevels())
        .contains(new NativeLibrary.IsaLevel(NativeLibrary.isaName(), true));
  }

  /** A library that is linked with -ffast-math sets flush-to-zero for the thread that loads it. */
  @Test
  void subnormalsStillWorkInJava() {
    try (var problem = problem()) {
      problem.runAll(Kernels.nativeKernels());
    }
    var smallest = Double.MIN_NORMAL;
    var half = smallest * half();
    assertThat(half).isPositive();
    assertThat(half * 2).isEqualTo(smallest);
    assertThat(Float.MIN_NORMAL * (float) half()).isPositive();
  }

  /** No constant that the compiler could fold. */
  private static double half() {
    return Double.parseDouble("0.5");
  }

  private static Problem problem() {
    var norm = new BatchNormDescriptor(8, 4, 5000, 1e-5, DataType.FLOAT32, Layout.CHANNELS_FIRST, 0);
    return Problem.random(norm, 1, 0, 1);
  }

  @Test
  void kernelsSayWhoTheyAre() {
    assertThat(Kernels.nativeKernels()).hasToString("native");
    assertThat(Kernels.reference()).hasToString("reference");
    assertThat(Kernels.checked()).hasToString("checked");
  }
}
