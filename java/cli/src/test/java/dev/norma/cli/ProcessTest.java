package dev.norma.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Commands as processes of their own: what they print to the real streams, and that the JVM warns of nothing. */
class ProcessTest {
  @TempDir Path folder;

  private record Result(int exitCode, List<String> out, List<String> err) {}

  private Result norma(List<String> arguments, String isa) throws IOException, InterruptedException {
    var command = new ArrayList<>(List.of(
        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
        "--enable-native-access=ALL-UNNAMED", "-cp", System.getProperty("java.class.path"), Main.class.getName()));
    command.addAll(arguments);
    var out = folder.resolve("stdout").toFile();
    var err = folder.resolve("stderr").toFile();
    var builder = new ProcessBuilder(command).directory(folder.toFile()).redirectOutput(out).redirectError(err);
    builder.environment().remove("NORMA_ISA");
    if (!isa.isEmpty()) {
      builder.environment().put("NORMA_ISA", isa);
    }
    var process = builder.start();
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    return new Result(process.exitValue(), Files.readAllLines(out.toPath()), Files.readAllLines(err.toPath()));
  }

  @Test
  void trainWritesToAFolderThatGitIgnoresAndWarnsOfNothing() throws Exception {
    var result = norma(List.of("train", "--epochs", "1"), "");
    assertThat(result.exitCode()).isZero();
    assertThat(result.err()).hasSize(2).allMatch(line -> line.matches("with(out| batch) normalization: epoch 1, .*"));
    assertThat(result.out()).contains("Wrote .norma-out/curves.png");
    assertThat(folder.resolve(".norma-out/curves.png")).isNotEmptyFile();
    assertThat(folder.resolve(".norma-out/.gitignore")).hasContent("*");
  }

  @Test
  void checkAndInfoWarnOfNothing() throws Exception {
    var check = norma(List.of("check", "--shape", "8x4x3"), "");
    assertThat(check.exitCode()).isZero();
    assertThat(check.err()).isEmpty();
    var info = norma(List.of("info"), "portable");
    assertThat(info.exitCode()).isZero();
    assertThat(info.err()).isEmpty();
    assertThat(info.out()).contains("instruction set  portable, forced by NORMA_ISA");
  }

  @Test
  void anInstructionSetThatIsUnknownFailsEveryCommand() throws Exception {
    for (var command : List.of("info", "check", "train")) {
      var result = norma(List.of(command), "x86-64-v9");
      assertThat(result.exitCode()).isEqualTo(1);
      assertThat(result.out()).isEmpty();
      assertThat(result.err()).singleElement().asString()
          .startsWith("norma " + command + ": NORMA_ISA=x86-64-v9 cannot be used here")
          .contains("available: ").contains("portable");
    }
  }
}
