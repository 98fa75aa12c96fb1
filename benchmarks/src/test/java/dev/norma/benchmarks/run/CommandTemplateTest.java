package dev.norma.benchmarks.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CommandTemplateTest {
  @TempDir Path temporary;

  private Path root;
  private Path python;

  @BeforeEach
  void setUp() throws IOException {
    root = Files.createDirectories(temporary.resolve("a folder"));
    python = program("snake");
  }

  private Path program(String name) throws IOException {
    var file = root.resolve(name);
    Files.createDirectories(file.getParent());
    Files.writeString(file, "");
    assertThat(file.toFile().setExecutable(true)).isTrue();
    return file;
  }

  @Test
  void placeholdersAreFilledInAndPathsMayHaveBlanks() throws Exception {
    var commands = new CommandTemplate(root, Optional.of(python));
    var copy = program(".build/native/benchmarks/copy");

    assertThat(commands.fill("{native}/copy  normal")).containsExactly(copy.toString(), "normal");
    assertThat(commands.fill("{python} {benchmarks}/python/numpy.py"))
        .containsExactly(python.toString(), root.resolve("benchmarks/python/numpy.py").toString());
  }

  @Test
  void javaIsTheOneThatRunsThisWithTheBenchmarksOnItsClassPath() throws Exception {
    assertThat(new CommandTemplate(root, Optional.empty()).fill("{java} -Dx=y {jmh} NormaJava"))
        .startsWith(Path.of(System.getProperty("java.home"), "bin", "java").toString())
        .containsSequence("-cp", root.resolve("benchmarks/target/norma-benchmarks.jar").toString(), "-Dx=y",
            "dev.norma.benchmarks.jmh.JmhRunner", "NormaJava");
  }

  @Test
  void aProgramThatIsNotThereIsNamed() {
    var commands = new CommandTemplate(root, Optional.empty());
    assertThatExceptionOfType(RunnerException.class).isThrownBy(() -> commands.fill("{native}/copy normal"))
        .withMessage(root.resolve(".build/native/benchmarks/copy") + " does not exist or cannot be run; was it built?");
    assertThatExceptionOfType(RunnerException.class).isThrownBy(() -> commands.fill("no-such-program x"))
        .withMessage("no-such-program is not on the PATH; install it");
  }
}
