package dev.norma.bindings;

import static org.assertj.core.api.Assertions.assertThat;

import dev.norma.bindings.c.Norma;
import java.lang.foreign.MemorySegment;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Linking is lazy: a function that the header declares and the library lacks would fail only at its first call. */
class SymbolsTest {

  @BeforeAll
  static void loadLibrary() {
    NormaLibrary.load();
  }

  static Stream<String> functions() {
    return Generated.functions().stream().sorted();
  }

  @ParameterizedTest
  @MethodSource("functions")
  void functionIsInTheLibrary(String function) throws ReflectiveOperationException {
    assertThat(Generated.address(function)).isNotEqualTo(MemorySegment.NULL);
  }

  @Test
  void callReachesTheLibrary() {
    assertThat(Norma.norma_version().getString(0)).matches("\\d+\\.\\d+\\.\\d+");
  }
}
