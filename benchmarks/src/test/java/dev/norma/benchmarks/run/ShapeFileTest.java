package dev.norma.benchmarks.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.norma.benchmarks.Normalization;
import dev.norma.benchmarks.Shape;
import dev.norma.cli.UserException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ShapeFileTest {
  private static final Path SETS = Path.of("shapes");
  private static final String HEADER = "name,N,C,S,count\n";

  @TempDir Path folder;

  private List<Shape> read(String text) throws IOException {
    var file = folder.resolve("mine.csv");
    Files.writeString(file, text);
    return ShapeFile.read(SETS, file.toString());
  }

  private void assertRefused(String message, String text) {
    assertThatExceptionOfType(UserException.class).isThrownBy(() -> read(text)).withMessageContaining(message)
        .withMessageContaining("mine.csv");
  }

  @Test
  void aFileIsASetOfItsName() throws IOException {
    assertThat(read("# mine\n" + HEADER + "first,2,3,4,5\n"))
        .containsExactly(new Shape("mine", "first", 2, 3, 4, 5));
  }

  @Test
  void aFileSaysWhatIsNormalized() throws IOException {
    assertThat(read("name,N,C,S,count,normalization,groups\na,8,768,1,1,layer,\nb,2,320,64,1,group,32\n"
            + "c,2,32,64,1,instance,\nd,2,3,4,5,batch,\n"))
        .containsExactly(
            new Shape("mine", "a", Normalization.LAYER, 8, 768, 1, 1, 1),
            new Shape("mine", "b", Normalization.GROUP, 2, 320, 64, 32, 1),
            new Shape("mine", "c", Normalization.INSTANCE, 2, 32, 64, 32, 1),
            new Shape("mine", "d", 2, 3, 4, 5));
    assertThat(read("name,N,C,S,count,normalization\na,1,768,1,1,layer\n"))
        .extracting(Shape::valuesPerSet).containsExactly(768L);
  }

  @ParameterizedTest
  @ValueSource(strings = {"resnet50", "dense", "small", "large", "layer", "group", "instance", "quick"})
  void theSetsOfTheRepositoryAreReadable(String set) throws IOException {
    assertThat(ShapeFile.read(SETS, set)).isNotEmpty().allMatch(shape -> shape.set().equals(set));
  }

  @Test
  void whatIsNotAsItShouldBeIsNamed() {
    assertRefused("its columns are N,C,S, expected name,N,C,S,count and perhaps normalization,groups",
        "N,C,S\n1,2,3\n");
    assertRefused("row 2: C is '0', expected a whole number from 1", HEADER + "a,2,2,2,1\nb,2,0,2,1\n");
    assertRefused("row 1: S is '7x7', expected a whole number", HEADER + "a,2,2,7x7,1\n");
    assertRefused("row 1: N x S is 1, expected at least 2", HEADER + "a,1,64,1,1\n");
    assertRefused("expected a tensor that fits into memory", HEADER + "a,1000000000,1000000000,1000000000,1\n");
    assertRefused("row 1: 4 fields, expected 5", HEADER + "a,2,2,2\n");
    assertThatExceptionOfType(UserException.class).isThrownBy(() -> ShapeFile.read(SETS, "resnet"))
        .withMessage("'resnet' is no set of shapes, expected dense, group, instance, large, layer, quick, resnet50, "
            + "small or a file ending in .csv");
  }

  @Test
  void whatIsNotOfTheNormalizationIsNamed() {
    var header = "name,N,C,S,count,normalization,groups\n";
    assertRefused("row 1: 'weight' is no normalization", header + "a,2,2,2,1,weight,\n");
    assertRefused("row 1: S is 2, expected 1 for layer: N rows of C values", header + "a,2,2,2,1,layer,\n");
    assertRefused("row 1: C is 1, expected at least 2: one value has no variance", header + "a,2,1,1,1,layer,\n");
    assertRefused("row 1: S is 1, expected at least 2: one value has no variance", header + "a,2,2,1,1,instance,\n");
    assertRefused("row 1: groups is not there, expected a whole number from 1 for group",
        header + "a,2,2,2,1,group,\n");
    assertRefused("row 1: groups is '0', expected a whole number from 1", header + "a,2,2,2,1,group,0\n");
    assertRefused("row 1: groups is 3, expected a divisor of C", header + "a,2,4,2,1,group,3\n");
    assertRefused("row 1: C / groups x S is 1, expected at least 2", header + "a,2,4,1,1,group,4\n");
    assertRefused("row 1: groups is '2', expected nothing for instance", header + "a,2,4,2,1,instance,2\n");
  }

  @Test
  void aBatchChangesTheNameWhereItStandsInIt() {
    assertThat(ShapeFile.withBatch(new Shape("dense", "256x128", 256, 128, 1, 1), 32))
        .isEqualTo(new Shape("dense", "32x128", 32, 128, 1, 1));
    assertThat(ShapeFile.withBatch(new Shape("resnet50", "64x56x56", 64, 64, 3136, 6), 8))
        .isEqualTo(new Shape("resnet50", "64x56x56", 8, 64, 3136, 6));
    assertThat(ShapeFile.withBatch(new Shape("layer", "8x768", Normalization.LAYER, 8, 768, 1, 1, 1), 1))
        .isEqualTo(new Shape("layer", "1x768", Normalization.LAYER, 1, 768, 1, 1, 1));
    assertThatExceptionOfType(UserException.class)
        .isThrownBy(() -> ShapeFile.withBatch(new Shape("dense", "256x128", 256, 128, 1, 1), 1))
        .withMessageContaining("--batch 1, shape 256x128: N x S is 1");
  }
}
