package dev.norma.bindings;

import static org.assertj.core.api.Assertions.assertThat;

import dev.norma.bindings.CHeader.Struct;
import java.io.IOException;
import java.lang.foreign.MemoryLayout.PathElement;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Sizes, offsets and enum values are those of the C compiler: native/tests/abi.c prints them. */
class AbiTest {
  private static List<String> report;

  @BeforeAll
  static void runReport() throws IOException, InterruptedException {
    var process = new ProcessBuilder(System.getProperty("norma.test.abi")).redirectErrorStream(true).start();
    report = process.inputReader().lines().toList();
    assertThat(process.waitFor()).isZero();
  }

  static Stream<Struct> structs() {
    return CHeader.read().structs().stream();
  }

  @ParameterizedTest
  @MethodSource("structs")
  void structIsLaidOutAsInC(Struct struct) throws ReflectiveOperationException {
    var layout = Generated.layout(struct.name());
    var expected = new ArrayList<String>();
    expected.add("struct " + struct + " size " + layout.byteSize());
    for (var field : struct.fields()) {
      var path = PathElement.groupElement(field.name());
      expected.add("field " + struct + "." + field.name() + " offset " + layout.byteOffset(path) + " size "
          + layout.select(path).byteSize());
    }
    assertThat(lines("struct " + struct + " ", "field " + struct + ".")).isEqualTo(expected);
  }

  @Test
  void constantsHaveTheirValuesInC() throws ReflectiveOperationException {
    var expected = new ArrayList<String>();
    for (var constant : CHeader.read().constants()) {
      expected.add("enum " + constant.name() + " " + Generated.constant(constant.name()));
    }
    assertThat(lines("enum ")).isEqualTo(expected);
  }

  private static List<String> lines(String... prefixes) {
    return report.stream().filter(line -> Stream.of(prefixes).anyMatch(line::startsWith)).toList();
  }
}
