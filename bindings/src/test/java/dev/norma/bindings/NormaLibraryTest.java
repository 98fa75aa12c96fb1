package dev.norma.bindings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.norma.bindings.child.LoadMain;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The whole way to a loaded library, in a JVM of its own where the outcome depends on how Java was started. */
class NormaLibraryTest {
  private static final String CLASSES = System.getProperty("norma.test.classes");
  private static final String TEST_CLASSES = System.getProperty("norma.test.testClasses");

  @TempDir private Path folder;

  private record Result(int status, String output) {}

  @Test
  void loadIsDoneOnce() {
    assertThat(NormaLibrary.load()).isAbsolute().isRegularFile().isSameAs(NormaLibrary.load());
  }

  @Test
  void packedLibraryIsLoadedWithoutAWarning() throws IOException, InterruptedException {
    var result = onClassPath("--enable-native-access=ALL-UNNAMED", "-Dnorma.library.dir=" + folder);
    assertThat(result.status()).isZero();
    assertThat(Path.of(result.output())).hasParent(folder).isRegularFile();
  }

  @Test
  void givenLibraryIsLoaded() throws IOException, InterruptedException {
    var file = PackedLibrary.extract(Platform.current(), folder);
    assertThat(withPath(file)).isEqualTo(new Result(0, file.toString()));
  }

  @Test
  void manyJvmsExtractAtOnce() throws IOException, InterruptedException {
    var children = new ArrayList<Process>();
    for (int i = 0; i < 4; i++) {
      children.add(start(classPath("--enable-native-access=ALL-UNNAMED", "-Dnorma.library.dir=" + folder)));
    }
    for (var child : children) {
      assertThat(finish(child).status()).isZero();
    }
    try (var entries = Files.list(folder)) {
      assertThat(entries).hasSize(1);
    }
  }

  @Test
  void deniedNativeAccessOnTheClassPath() throws IOException, InterruptedException {
    var result = onClassPath("--illegal-native-access=deny", "-Dnorma.library.dir=" + folder);
    assertThat(result.status()).isEqualTo(1);
    assertThat(result.output()).startsWith("Cannot load the Norma library " + folder)
        .endsWith("native access is denied to this module. Start Java with --enable-native-access=ALL-UNNAMED.");
  }

  @Test
  void deniedNativeAccessOnTheModulePath() throws IOException, InterruptedException {
    var result = run(List.of("--illegal-native-access=deny", "-Dnorma.library.dir=" + folder,
        "--module-path", CLASSES, "--add-modules", "dev.norma.bindings", "--class-path", TEST_CLASSES));
    assertThat(result.status()).isEqualTo(1);
    assertThat(result.output())
        .endsWith("native access is denied to this module. Start Java with"
            + " --enable-native-access=dev.norma.bindings.");
  }

  @Test
  void missingFile() throws IOException, InterruptedException {
    var missing = folder.resolve("libnorma.so");
    assertThat(withPath(missing)).isEqualTo(new Result(1, "Cannot load the Norma library " + missing
        + " (system property norma.library.path): there is no such file. Set norma.library.path to the library file,"
        + " or leave it unset to use the one in the jar."));
  }

  @Test
  void fileThatIsNoLibrary() throws IOException, InterruptedException {
    var file = Files.writeString(folder.resolve("libnorma.so"), "text");
    assertThat(withPath(file)).isEqualTo(new Result(1, "Cannot load the Norma library " + file
        + " (system property norma.library.path): it is not a shared library (there is no ELF header at its"
        + " beginning)."));
  }

  @Test
  void libraryOfAnotherProcessor() throws IOException, InterruptedException {
    var file = PackedLibrary.extract(Platform.current(), folder);
    var here = Platform.current().arch();
    ElfFiles.setMachine(file, here.equals("aarch64") ? ElfFiles.X86_64 : ElfFiles.AARCH64);
    assertThat(withPath(file)).isEqualTo(new Result(1, "Cannot load the Norma library " + file
        + " (system property norma.library.path): it is built for " + (here.equals("aarch64") ? "x86_64" : "aarch64")
        + ", and this JVM runs on " + here + ". Use one built for " + Platform.current() + "."));
  }

  @Test
  void libraryOfAnotherProject() throws IOException, InterruptedException {
    var other = Path.of(System.getProperty("java.home"), "lib", System.mapLibraryName("prefs"));
    assertThat(withPath(other)).isEqualTo(new Result(1, "Cannot load the Norma library " + other
        + " (system property norma.library.path): it is a shared library, but not Norma: it has no function"
        + " norma_version."));
  }

  @Test
  void secondClassLoader() throws Exception {
    NormaLibrary.load();
    var classes = new URL[] {Path.of(CLASSES).toUri().toURL()};
    try (var loader = new URLClassLoader(classes, null)) {
      var load = loader.loadClass(NormaLibrary.class.getName()).getMethod("load");
      assertThatThrownBy(() -> load.invoke(null)).isInstanceOf(InvocationTargetException.class).cause()
          .hasMessageContaining("another class loader has loaded it, and a JVM loads a library once.");
    }
  }

  private static Result withPath(Path file) throws IOException, InterruptedException {
    return onClassPath("--enable-native-access=ALL-UNNAMED", "-Dnorma.library.path=" + file);
  }

  private static Result onClassPath(String... options) throws IOException, InterruptedException {
    return run(classPath(options));
  }

  private static List<String> classPath(String... options) {
    var all = new ArrayList<>(List.of(options));
    all.addAll(List.of("--class-path", CLASSES + ":" + TEST_CLASSES));
    return all;
  }

  private static Result run(List<String> options) throws IOException, InterruptedException {
    return finish(start(options));
  }

  private static Process start(List<String> options) throws IOException {
    var command = new ArrayList<String>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(options);
    command.add(LoadMain.class.getName());
    return new ProcessBuilder(command).redirectErrorStream(true).start();
  }

  private static Result finish(Process process) throws IOException, InterruptedException {
    try (var output = process.inputReader()) {
      var text = String.join("\n", output.lines().toList());
      return new Result(process.waitFor(), text);
    }
  }
}
