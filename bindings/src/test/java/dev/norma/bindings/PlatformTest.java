package dev.norma.bindings;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PlatformTest {

  @ParameterizedTest
  @CsvSource({
    "Linux, amd64, linux-x86_64",
    "Linux, aarch64, linux-aarch64",
    "Linux, riscv64, linux-riscv64",
    "Mac OS X, x86_64, macos-x86_64",
    "Mac OS X, aarch64, macos-aarch64",
    "Windows 11, amd64, windows-x86_64",
  })
  void isNamedAlikeWhateverTheJvmCallsIt(String osName, String osArch, String expected) {
    assertThat(Platform.of(osName, osArch)).hasToString(expected);
  }

  @Test
  void theJarHoldsTheLibraryOfThisPlatform() {
    assertThat(Platform.class.getResource(Platform.current().resource())).isNotNull();
  }
}
