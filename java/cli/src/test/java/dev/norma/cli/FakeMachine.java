package dev.norma.cli;

import static java.nio.file.attribute.PosixFilePermission.GROUP_EXECUTE;
import static java.nio.file.attribute.PosixFilePermission.OWNER_EXECUTE;
import static java.nio.file.attribute.PosixFilePermission.OWNER_READ;
import static java.nio.file.attribute.PosixFilePermission.OWNER_WRITE;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * A machine with a checkout of Norma as the launcher sees it: the real launcher, stand-ins for sources, and a PATH that
 * holds a few plain tools of the real machine and fake build tools. Every fake tool appends its name and arguments to
 * a log before it does what it is for.
 */
final class FakeMachine {
  private static final Path REPOSITORY = Path.of(System.getProperty("basedir", ".")).resolve("../..").normalize();
  private static final List<String> PLAIN_TOOLS =
      List.of("awk", "bash", "cat", "dirname", "env", "find", "getconf", "grep", "mkdir", "mv", "readlink", "rm",
          "sed", "sort", "tee", "touch", "tr");
  private static final List<String> SOURCES =
      List.of("pom.xml", "CMakeLists.txt", "bindings/pom.xml", "bindings/src/main/A.java", "java/cli/pom.xml",
          "java/cli/src/main/B.java", "java/cli/src/test/BTest.java", "native/src/c.c", "native/tests/c_test.c",
          "benchmarks/pom.xml", "benchmarks/src/main/D.java", "benchmarks/native/d.c", "benchmarks/python/d.py");

  /** What a command left behind. */
  record Outcome(int exitCode, String out, String err) {}

  private final Path folder;
  private final Map<String, String> environment = new HashMap<>();

  /** A machine with every tool but a JDK, and with no package manager; its user is not root. */
  FakeMachine(Path folder) {
    this.folder = folder;
    environment.put("PATH", folder.resolve("bin").toString());
    environment.put("HOME", folder.resolve("home").toString());
    environment.put("NORMA_JDK_FOLDERS", folder.resolve("jdks").toString());
    PLAIN_TOOLS.forEach(name -> executable(path("bin").resolve(name), "exec '" + realTool(name) + "' \"$@\""));
    copy("norma");
    copy(".setup/tools.sh");
    SOURCES.forEach(source -> write(checkout(source), ""));
    tool("id", "echo 1000");
    tool("cc", "exit 0");
    tool("cmake", "echo cmake version 3.25.1");
    tool("fc-list", "echo a font");
    for (var name : List.of("ninja", "pkg-config", "valgrind", "clang", "clang-tidy-16", "chromium")) {
      tool(name, "exit 0");
    }
    tool("ctest", "echo '100% tests passed, 0 tests failed out of 3'");
    tool("mvn", """
        touch java/cli/target/norma-cli.jar
        case "$*" in *benchmarks* | *verify*) touch benchmarks/target/norma-benchmarks.jar ;; esac
        echo '[INFO] Tests run: 4, Failures: 0, Errors: 0, Skipped: 0, Time elapsed: 0.1 s -- in A'
        echo '[INFO] Tests run: 4, Failures: 0, Errors: 0, Skipped: 0'
        echo '[INFO] Tests run: 5, Failures: 0, Errors: 0, Skipped: 0'
        """);
    createFolder(checkout("java/cli/target"));
    createFolder(checkout("benchmarks/target"));
  }

  Path path(String name) {
    return folder.resolve(name);
  }

  Path checkout(String name) {
    return folder.resolve("checkout").resolve(name);
  }

  void setEnvironment(String name, String value) {
    environment.put(name, value);
  }

  void tool(String name, String script) {
    logged(path("bin").resolve(name), script);
  }

  void removeTool(String name) {
    try {
      Files.delete(path("bin").resolve(name));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Takes a tool from the PATH and makes it a file of the checkout. */
  void moveToolToCheckout(String name, String file) {
    try {
      Files.move(path("bin").resolve(name), checkout(file));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A JDK whose {@code java} prints its own home, then its arguments, each on a line, and ends with code 7. */
  Path jdk(String name, String version) {
    var home = path("jdks").resolve(name);
    write(home.resolve("release"), "JAVA_VERSION=\"" + version + "\"\n");
    logged(home.resolve("bin/javac"), "");
    logged(home.resolve("bin/java"), "printf '%s\\n' '" + home + "' \"$@\"; exit 7");
    return home;
  }

  /** The calls of fake tools so far whose name is the given one. */
  List<String> calls(String name) {
    var log = path("calls");
    if (!Files.exists(log)) {
      return List.of();
    }
    try (Stream<String> lines = Files.lines(log)) {
      return lines.filter(line -> line.startsWith(name + " ")).toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  Outcome norma(String... arguments) {
    return run(checkout("norma"), arguments);
  }

  /** Runs the launcher by the given path, from a folder that is not the checkout. */
  Outcome run(Path launcher, String... arguments) {
    var out = path("out");
    var err = path("err");
    var builder = new ProcessBuilder(Stream.concat(Stream.of(launcher.toString()), Stream.of(arguments)).toList())
        .directory(folder.toFile()).redirectOutput(out.toFile()).redirectError(err.toFile());
    builder.environment().clear();
    builder.environment().putAll(environment);
    try {
      var process = builder.start();
      if (!process.waitFor(60, TimeUnit.SECONDS)) {
        process.destroyForcibly();
        throw new AssertionError("the launcher did not end: " + Files.readString(err));
      }
      return new Outcome(process.exitValue(), Files.readString(out), Files.readString(err));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError(e);
    }
  }

  void write(Path file, String text) {
    createFolder(file.getParent());
    try {
      Files.writeString(file, text);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void logged(Path file, String script) {
    executable(file, "echo \"${0##*/} $*\" >>'" + path("calls") + "'\n" + script);
  }

  private void executable(Path file, String script) {
    write(file, "#!" + realTool("bash") + "\n" + script + "\n");
    try {
      Files.setPosixFilePermissions(file, Set.of(OWNER_READ, OWNER_WRITE, OWNER_EXECUTE, GROUP_EXECUTE));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void copy(String name) {
    createFolder(checkout(name).getParent());
    try {
      Files.copy(REPOSITORY.resolve(name), checkout(name));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Path realTool(String name) {
    return Stream.of(System.getenv("PATH").split(":")).map(place -> Path.of(place, name)).filter(Files::isExecutable)
        .findFirst().orElseThrow(() -> new AssertionError("this machine has no " + name));
  }

  private static void createFolder(Path folder) {
    try {
      Files.createDirectories(folder);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
