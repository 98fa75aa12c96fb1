package dev.norma;

import static org.assertj.core.api.Assertions.assertThat;

import dev.norma.bindings.NormaLibrary;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The Java example of the README, compiled and run as a reader would. */
class ReadmeExampleTest {
  private static final Path README = Path.of("../../README.md");
  private static final Pattern BLOCK = Pattern.compile("^```java\n(.*?)^```$", Pattern.DOTALL | Pattern.MULTILINE);
  private static final Pattern CLASS = Pattern.compile("\\bclass (\\w+)");

  @TempDir private Path folder;

  @Test
  void itCompilesAndRuns() throws IOException, InterruptedException {
    var source = firstBlock();
    var name = CLASS.matcher(source);
    assertThat(name.find()).as("a class in the first ```java block of the README").isTrue();
    var file = Files.writeString(folder.resolve(name.group(1) + ".java"), source);
    var output = run(command("javac", "-Xlint:all", "-Werror", "-d", folder.toString(), file.toString()));
    assertThat(output).isEmpty();
    var library = "-Dnorma.library.path=" + NativeLibrary.path();
    output = run(command("java", library, "--enable-native-access=ALL-UNNAMED", name.group(1)));
    assertThat(output).isNotBlank().doesNotContain("WARNING");
  }

  private static String firstBlock() throws IOException {
    var block = BLOCK.matcher(Files.readString(README));
    assertThat(block.find()).as("a ```java block in the README").isTrue();
    return block.group(1);
  }

  /** The same JDK and the same code as this test; its own output comes back. */
  private List<String> command(String tool, String... arguments) {
    var command = new ArrayList<String>();
    command.add(Path.of(System.getProperty("java.home"), "bin", tool).toString());
    command.addAll(List.of("-cp", folder + File.pathSeparator + codePath()));
    command.addAll(List.of(arguments));
    return command;
  }

  /** Where the façade and the bindings were loaded from. */
  private static String codePath() {
    return location(BatchNorm.class) + File.pathSeparator + location(NormaLibrary.class);
  }

  private static Path location(Class<?> type) {
    try {
      return Path.of(type.getProtectionDomain().getCodeSource().getLocation().toURI());
    } catch (URISyntaxException e) {
      throw new AssertionError(e);
    }
  }

  private String run(List<String> command) throws InterruptedException {
    try {
      var output = folder.resolve("output.txt");
      var process = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(output.toFile()).start();
      assertThat(process.waitFor(60, TimeUnit.SECONDS)).as("ended in time").isTrue();
      var text = Files.readString(output);
      assertThat(process.exitValue()).as("%s%n%s", command, text).isZero();
      return text;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
