package dev.norma.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ResultsFileTest {
  @TempDir Path folder;

  private static Row row(Case measured) {
    return new Row("norma-c", "C", "Norma 1, fast", Optional.of(measured), OptionalInt.of(3), OptionalDouble.of(12.5),
        OptionalDouble.empty(), Optional.of(true), OptionalDouble.of(1.25), "");
  }

  @Test
  void aShapeOfAnyNormalizationIsReadAsItWasWritten() throws IOException {
    var file = folder.resolve("results.csv");
    var rows = new Case(Operation.RMS_NORM, Pass.BACKWARD_TRAINING, "bf16", "nchw",
        new Shape("layer", "8x768", Normalization.LAYER, 8, 768, 1, 1, 1), 2);
    var groups = new Case(Operation.GROUP_NORM, Pass.FORWARD_TRAINING, "f32", "nhwc",
        new Shape("group", "2x320x8x8", Normalization.GROUP, 2, 320, 64, 32, 4), 1);
    try (var results = new ResultsFile(file)) {
      results.add(row(rows));
      results.add(row(groups));
    }
    assertThat(ResultsFile.read(file)).containsExactly(row(rows), row(groups));
    assertThat(file).content()
        .contains(",operation,", ",N,C,S,groups,", ",rms-norm,", ",8,768,1,1,", ",group-norm,", ",2,320,64,32,");
  }

  @Test
  void aFileWithoutGroupsIsOfBatchNormalization() throws IOException {
    var file = Files.writeString(folder.resolve("old.csv"), """
        implementation,language,version,operation,pass,type,layout,N,C,S,set,shape,count,threads,round,ns,gb_per_s,\
        bytes_per_call,correct,error_ulp,note
        norma-c,C,"Norma 1, fast",batch-norm,forward-training,f32,nchw,8,64,784,quick,8x64x28x28,1,2,3,12.5,1.000,,\
        true,1.25,
        """);
    var shape = new Shape("quick", "8x64x28x28", 8, 64, 784, 1);
    assertThat(ResultsFile.read(file))
        .containsExactly(row(new Case(Operation.BATCH_NORM, Pass.FORWARD_TRAINING, "f32", "nchw", shape, 2)));
  }

  @Test
  void whatIsNoSuchFileIsNamed() throws IOException {
    var file = Files.writeString(folder.resolve("other.csv"), "a,b\n1,2\n");
    assertThatIllegalArgumentException().isThrownBy(() -> ResultsFile.read(file))
        .withMessageContaining("other.csv, row 1: not a row of results");
  }
}
