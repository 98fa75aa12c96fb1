package dev.norma.benchmarks.jmh;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** JMH's own command line, which the benchmarks' jar starts. */
class JmhMainTest {
  @TempDir
  private Path folder;

  @Test
  void listsThreePassesOfEveryImplementationInTheRegistry() throws IOException, InterruptedException {
    var registry = Files.readString(Path.of("implementations.csv"));
    var names = Pattern.compile("\\{jmh} (\\w+)").matcher(registry).results().map(match -> match.group(1)).toList();
    assertThat(names).isNotEmpty();

    try (var jmh = new JavaProcess(folder, "org.openjdk.jmh.Main", "-l")) {
      var listed = jmh.end();
      for (var name : names) {
        var type = "dev.norma.benchmarks.jmh." + name;
        assertThat(listed)
            .contains(type + ".forwardTraining", type + ".forwardInference", type + ".backwardTraining");
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"NormaJava", "NormaBindings", "JavaReference", "PyTorchJvm", "Djl"})
  void measuresRandomDataWithoutAFolder(String implementation) throws IOException, InterruptedException {
    try (var jmh = new JavaProcess(folder, "org.openjdk.jmh.Main", "\\." + implementation + "\\.",
        "-p", "shape=4x3x2x2", "-f", "0", "-wi", "0", "-i", "1", "-r", "1ms", "-foe", "true")) {
      assertThat(String.join("\n", jmh.end()))
          .containsPattern(implementation + "\\.backwardTraining .* avgt ")
          .containsPattern(implementation + "\\.forwardInference .* avgt ")
          .containsPattern(implementation + "\\.forwardTraining .* avgt ");
    }
  }

  @Test
  void measuresTheOperationAndTypeThatItIsAskedFor() throws IOException, InterruptedException {
    try (var jmh = new JavaProcess(folder, "org.openjdk.jmh.Main", "JavaReference.backwardTraining",
        "-p", "operation=batch-norm-add-relu", "-p", "type=bf16", "-p", "shape=4x3x2x2",
        "-f", "0", "-wi", "0", "-i", "1", "-r", "1ms", "-foe", "true")) {
      assertThat(String.join("\n", jmh.end())).containsPattern("backwardTraining .*batch-norm-add-relu .* avgt ");
    }
  }

  @Test
  void forksRunWithWhatTheyNeedAndAShapeThatIsNoneIsSaid() throws IOException, InterruptedException {
    try (var jmh = new JavaProcess(folder, "org.openjdk.jmh.Main", "NormaJava.forwardTraining", "-p", "shape=4x3",
        "-f", "1", "-wi", "0", "-i", "1", "-r", "1ms")) {
      assertThat(String.join("\n", jmh.end())).containsPattern("forwardTraining .* avgt ").doesNotContain("WARNING");
    }
    try (var jmh = new JavaProcess(folder, "org.openjdk.jmh.Main", "JavaReference.forwardTraining", "-p", "shape=4",
        "-f", "0", "-wi", "0", "-i", "1", "-r", "1ms")) {
      assertThat(String.join("\n", jmh.end())).contains("shape must be like 256x128, 8x64x784 or 8x64x28x28, not 4");
    }
  }
}
