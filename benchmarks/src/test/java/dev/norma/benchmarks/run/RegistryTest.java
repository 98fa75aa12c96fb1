package dev.norma.benchmarks.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.norma.benchmarks.Implementation;
import dev.norma.benchmarks.Normalization;
import dev.norma.cli.UserException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RegistryTest {
  private static final String HEADER = "implementation,language,kind,normalizations,types,layouts,threads,command\n";

  @TempDir Path folder;

  private List<Implementation> read(String text) throws IOException {
    var file = folder.resolve("registry.csv");
    Files.writeString(file, text);
    return Registry.read(file);
  }

  private void assertRefused(String message, String text) {
    assertThatExceptionOfType(UserException.class).isThrownBy(() -> read(text)).withMessageContaining(message)
        .withMessageContaining("registry.csv");
  }

  @Test
  void aRowIsAnImplementation() throws IOException {
    assertThat(read("# a comment\n" + HEADER
            + "mine,Rust,peer,batch group,f32 f64,nchw nChw16c,1,{native}/mine --fast\n"))
        .containsExactly(new Implementation("mine", "Rust", Implementation.Kind.PEER,
            List.of(Normalization.BATCH, Normalization.GROUP), List.of("f32", "f64"), List.of("nchw", "nChw16c"), true,
            "{native}/mine --fast"));
  }

  @Test
  void theRegistryOfTheRepositoryIsReadable() throws IOException {
    assertThat(Registry.read(Path.of("implementations.csv")))
        .extracting(Implementation::name)
        .contains("norma-c", "pytorch", "copy");
  }

  @Test
  void whatIsNotAsItShouldBeIsNamed() {
    assertRefused("its columns are name,kind, expected implementation,language", "name,kind\na,peer\n");
    assertRefused("no row", HEADER);
    assertRefused("row 2: kind is 'pear', expected one of norma, peer, limit",
        HEADER + "a,C,peer,batch,f32,nchw,any,a\nb,C,pear,batch,f32,nchw,any,b\n");
    assertRefused("row 1: types has 'f8', expected of f32, f64, bf16, f16",
        HEADER + "a,C,peer,batch,f32 f8,nchw,any,a\n");
    assertRefused("row 1: normalizations has 'weight', expected of batch, layer, group, instance",
        HEADER + "a,C,peer,batch weight,f32,nchw,any,a\n");
    assertRefused("row 1: layouts is empty", HEADER + "a,C,peer,batch,f32,,any,a\n");
    assertRefused("row 1: threads is '2', expected one of any, 1", HEADER + "a,C,peer,batch,f32,nchw,2,a\n");
    assertRefused("row 1: command is empty", HEADER + "a,C,peer,batch,f32,nchw,any,\n");
    assertRefused("row 1: 7 fields, expected 8", HEADER + "a,C,peer,batch,f32,nchw,any\n");
    assertRefused("implementation is '../a'", HEADER + "../a,C,peer,batch,f32,nchw,any,a\n");
    assertRefused("'a' is there twice", HEADER + "a,C,peer,batch,f32,nchw,any,a\na,C,peer,batch,f32,nchw,any,b\n");
  }
}
