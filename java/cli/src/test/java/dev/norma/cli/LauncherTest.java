package dev.norma.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The launcher {@code ./norma}: finding and installing tools, building what is out of date, passing commands on. */
final class LauncherTest {
  private static final int JAVA_EXIT_CODE = 7;

  private FakeMachine machine;

  @BeforeEach
  void setUp(@TempDir Path folder) {
    machine = new FakeMachine(folder);
  }

  @Test
  void helpListsTheCommandsAndNeedsNoTool() {
    var help = machine.norma("--help");

    assertThat(help.exitCode()).isZero();
    assertThat(help.out()).contains("Usage: ./norma", "  test ", "  train ", "  check ", "  bench ", "  info ");
    assertThat(machine.norma()).isEqualTo(help);
    assertThat(machine.path("calls")).doesNotExist();
  }

  @Test
  void argumentsAndExitCodeArePassedOnFromAnyFolderThroughASymbolicLink() throws IOException {
    var jdk = machine.jdk("jdk-25", "25.0.3");
    var link = Files.createSymbolicLink(machine.path("link"), machine.checkout("norma"));

    var outcome = machine.run(link, "train", "--out", "a folder", "");

    assertThat(outcome.exitCode()).isEqualTo(JAVA_EXIT_CODE);
    assertThat(outcome.out().lines()).startsWith(jdk.toString()).endsWith("train", "--out", "a folder", "")
        .contains(machine.checkout("java/cli/target/norma-cli.jar").toString());
  }

  @Test
  void aJdkOfJavaHomeComesFirst() {
    machine.jdk("jdk-25", "25.0.3");
    var home = machine.jdk("elsewhere/jdk-26", "26");
    machine.setEnvironment("JAVA_HOME", home.toString());

    assertThat(machine.norma("info").out()).startsWith(home.toString());
  }

  @Test
  void anOldJdkAndARuntimeWithoutCompilerArePassedOver() throws IOException {
    machine.setEnvironment("JAVA_HOME", machine.jdk("a-jdk-17", "17.0.15").toString());
    Files.delete(machine.jdk("b-jre-25", "25.0.3").resolve("bin/javac"));
    var home = machine.jdk("c-jdk-25", "25");

    assertThat(machine.norma("info").out()).startsWith(home.toString());
  }

  @Test
  void aMissingJdkIsNamedWhereNothingCanInstallIt() {
    var outcome = machine.norma("info");

    assertThat(outcome.exitCode()).isEqualTo(1);
    assertThat(outcome.err()).isEqualTo("norma: missing: a JDK of version 25 or newer (such as Temurin, adoptium.net; "
        + "JAVA_HOME may name it). No known package manager was found to install it with.\n");
  }

  @Test
  void onlyTheCommandThatPlotsNeedsAFont() {
    machine.jdk("jdk-25", "25.0.3");
    machine.removeTool("fc-list");

    assertThat(machine.norma("info").exitCode()).isEqualTo(JAVA_EXIT_CODE);
    assertThat(machine.norma("train").err()).startsWith("norma: missing: fontconfig with a font.");
  }

  @Test
  void aPackageManagerWithoutTheToolIsNamed() {
    machine.tool("apt-get", "exit 100");
    machine.tool("apt-cache", "exit 100");

    assertThat(machine.norma("info").err()).endsWith("apt-get offers no package of it.\n");
  }

  @Test
  void aUserWhoMayNotInstallIsToldTheCommand() {
    machine.jdk("jdk-25", "25.0.3");
    machine.tool("apt-get", "exit 100");
    machine.tool("cmake", "echo cmake version 3.18.4");
    machine.removeTool("cc");

    var outcome = machine.norma("info");

    assertThat(outcome.exitCode()).isEqualTo(1);
    assertThat(outcome.err()).isEqualTo("norma: missing: a C compiler with OpenMP, CMake 3.25 or newer. "
        + "Install with: sudo apt-get install -y --no-install-recommends gcc libc6-dev cmake\n");
    assertThat(machine.calls("apt-get")).isEmpty();
  }

  @Test
  void rootHasTheMissingToolsInstalledAndHearsOfItFirst() {
    machine.tool("id", "echo 0");
    machine.tool("apt-cache", "[[ $2 == openjdk-25-jdk-headless ]]");
    var spare = machine.jdk("spare", "25.0.3");
    machine.setEnvironment("NORMA_JDK_FOLDERS", machine.path("installed").toString());
    machine.tool("apt-get", "[[ $1 == update ]] || { mkdir '" + machine.path("installed") + "' && mv '" + spare + "' '"
        + machine.path("installed/jdk-25") + "'; }");

    var outcome = machine.norma("info");

    assertThat(outcome.exitCode()).isEqualTo(JAVA_EXIT_CODE);
    assertThat(machine.calls("apt-get")).containsExactly("apt-get update",
        "apt-get install -y --no-install-recommends openjdk-25-jdk-headless");
    assertThat(outcome.err()).contains("norma: installing a JDK of version 25 or newer (such as Temurin, adoptium.net; "
        + "JAVA_HOME may name it): apt-get install -y --no-install-recommends openjdk-25-jdk-headless\n");
  }

  @Test
  void aFailedInstallationShowsWhatThePackageManagerSaid() {
    machine.jdk("jdk-25", "25.0.3");
    machine.removeTool("cmake");
    machine.tool("sudo", "shift; exec \"$@\"");
    machine.tool("true", "exit 0");
    machine.tool("dnf", "echo no such mirror; exit 1");

    var outcome = machine.norma("info");

    assertThat(outcome.exitCode()).isEqualTo(1);
    assertThat(machine.calls("dnf")).containsExactly("dnf install -y cmake");
    assertThat(outcome.err()).contains("no such mirror\n")
        .endsWith("norma: missing: CMake 3.25 or newer. Install with: sudo dnf install -y cmake\n");
  }

  @Test
  void withoutMavenTheWrapperBuilds() {
    machine.jdk("jdk-25", "25.0.3");
    machine.moveToolToCheckout("mvn", "mvnw");

    var outcome = machine.norma("info");

    assertThat(outcome.exitCode()).isEqualTo(JAVA_EXIT_CODE);
    assertThat(machine.calls("mvnw")).hasSize(1);
  }

  @Test
  void onlyWhatChangedSinceTheLastBuildIsBuilt() throws IOException {
    machine.jdk("jdk-25", "25.0.3");
    machine.norma("info");
    assertThat(machine.calls("mvn")).hasSize(1);

    machine.norma("info");
    touch("java/cli/src/test/BTest.java");
    touch("native/tests/c_test.c");
    machine.norma("info");
    assertThat(machine.calls("mvn")).hasSize(1);

    touch("java/cli/src/main/B.java");
    machine.norma("info");
    assertThat(machine.calls("mvn")).hasSize(2);
  }

  @Test
  void theBenchmarksAreBuiltForTheCommandThatRunsThem() throws IOException {
    var jdk = machine.jdk("jdk-25", "25.0.3");
    machine.norma("info");

    var outcome = machine.norma("bench", "--quick");

    assertThat(outcome.exitCode()).isEqualTo(JAVA_EXIT_CODE);
    assertThat(outcome.out().lines()).startsWith(jdk.toString())
        .contains(
            "-Dnorma.bench.root=" + machine.path("checkout"),
            machine.checkout("benchmarks/target/norma-benchmarks.jar").toString())
        .endsWith("bench", "--quick");
    assertThat(machine.calls("mvn")).hasSize(2);

    machine.norma("info");
    touch("benchmarks/python/d.py");
    machine.norma("bench", "--quick");
    assertThat(machine.calls("mvn")).hasSize(2);

    touch("benchmarks/native/d.c");
    machine.norma("info");
    machine.norma("bench", "--quick");
    assertThat(machine.calls("mvn")).hasSize(3);
  }

  @Test
  void aRemovedSourceAndARemovedJarAreBuiltAgain() throws IOException {
    machine.jdk("jdk-25", "25.0.3");
    machine.norma("info");

    Files.delete(machine.checkout("native/src/c.c"));
    touch("native/src");
    machine.norma("info");
    assertThat(machine.calls("mvn")).hasSize(2);

    Files.delete(machine.checkout("java/cli/target/norma-cli.jar"));
    machine.norma("info");
    assertThat(machine.calls("mvn")).hasSize(3);
  }

  @Test
  void aFailedBuildShowsItsOutputAndIsTriedAgain() {
    machine.jdk("jdk-25", "25.0.3");
    machine.tool("mvn", "echo '[ERROR] cannot compile'; touch java/cli/target/norma-cli.jar; exit 1");

    for (var attempt = 1; attempt <= 2; attempt++) {
      var outcome = machine.norma("info");
      assertThat(outcome.exitCode()).isEqualTo(1);
      assertThat(outcome.out()).isEmpty();
      assertThat(outcome.err()).contains("[ERROR] cannot compile");
      assertThat(machine.calls("mvn")).hasSize(attempt);
    }
  }

  @Test
  void aBuildIsQuietUnlessVerbose() {
    machine.jdk("jdk-25", "25.0.3");
    assertThat(machine.norma("info").err()).isEqualTo("norma: building (the first build takes a few minutes)\n");

    machine.setEnvironment("NORMA_VERBOSE", "1");
    machine.tool("mvn", "echo compiling");
    machine.checkout("java/cli/target/norma-cli.jar").toFile().delete();
    assertThat(machine.norma("info").err()).contains("compiling\n");
  }

  @Test
  void testRunsBothSuitesAndEndsWithTheirSums() {
    machine.jdk("jdk-25", "25.0.3");

    var outcome = machine.norma("test");

    assertThat(outcome.exitCode()).isZero();
    assertThat(outcome.out()).contains("[INFO] Tests run: 5, Failures: 0, Errors: 0, Skipped: 0\n")
        .endsWith("C: passed. 100% tests passed, 0 tests failed out of 3\n"
            + "Java: passed. Tests run: 9, Failures: 0, Errors: 0, Skipped: 0\n");
    assertThat(machine.norma("info").exitCode()).isEqualTo(JAVA_EXIT_CODE);
    assertThat(machine.norma("bench").exitCode()).isEqualTo(JAVA_EXIT_CODE);
    assertThat(machine.calls("mvn")).hasSize(1);
  }

  @Test
  void aFailedCTestFailsTheRunAfterTheJavaTests() {
    machine.jdk("jdk-25", "25.0.3");
    machine.tool("ctest", "echo '67% tests passed, 1 tests failed out of 3'; exit 8");

    var outcome = machine.norma("test");

    assertThat(outcome.exitCode()).isEqualTo(1);
    assertThat(outcome.out()).endsWith("C: failed. 67% tests passed, 1 tests failed out of 3\n"
        + "Java: passed. Tests run: 9, Failures: 0, Errors: 0, Skipped: 0\n");
  }

  @Test
  void aFailedJavaTestFailsTheRunAndIsShown() {
    machine.jdk("jdk-25", "25.0.3");
    machine.tool("mvn", """
        echo '[INFO] Running a.Test'
        echo '[ERROR] a.Test.fails <<< FAILURE!'
        echo '  at a.Test.fails(Test.java:3)'
        echo '[ERROR] Tests run: 2, Failures: 1, Errors: 0, Skipped: 0'
        exit 1
        """);

    var outcome = machine.norma("test");

    assertThat(outcome.exitCode()).isEqualTo(1);
    assertThat(outcome.out()).contains("a.Test.fails <<< FAILURE!\n  at a.Test.fails(Test.java:3)\n")
        .doesNotContain("Running a.Test")
        .endsWith("Java: failed. Tests run: 2, Failures: 1, Errors: 0, Skipped: 0\n");
  }

  @Test
  void aFailedBuildOfTheCTestsIsSaid() {
    machine.jdk("jdk-25", "25.0.3");
    machine.tool("cmake", "echo cmake version 3.25.1; [[ $1 != --build ]]");

    var outcome = machine.norma("test");

    assertThat(outcome.exitCode()).isEqualTo(1);
    assertThat(outcome.out()).contains("C: failed. No test ran.\nJava: passed.");
  }

  @Test
  void testTakesNoArguments() {
    assertThat(machine.norma("test", "all").exitCode()).isEqualTo(2);
    assertThat(machine.path("calls")).doesNotExist();
  }

  @Test
  void testGoesOnWithoutToolsThatOnlyAddChecks() {
    machine.jdk("jdk-25", "25.0.3");
    machine.removeTool("valgrind");
    machine.removeTool("clang-tidy-16");

    var outcome = machine.norma("test");

    assertThat(outcome.exitCode()).isZero();
    assertThat(outcome.err()).startsWith("norma: going on without: valgrind, clang-tidy.");
  }

  @Test
  void warningsAreErrorsInContinuousIntegrationOnly() {
    machine.jdk("jdk-25", "25.0.3");
    machine.norma("test");
    assertThat(machine.calls("mvn")).singleElement().asString().contains("-Dnorma.native.werror=OFF");
    assertThat(machine.calls("cmake -S")).singleElement().asString().contains("-DNORMA_WERROR=OFF");

    machine.setEnvironment("CI", "true");
    machine.norma("test");
    assertThat(machine.calls("mvn").getLast()).contains("-Dnorma.native.werror=ON");
    assertThat(machine.calls("cmake -S").getLast()).contains("-DNORMA_WERROR=ON");
  }

  /** Later than any build so far, whatever the file system's clock resolves. */
  private void touch(String source) throws IOException {
    Files.setLastModifiedTime(machine.checkout(source), FileTime.from(Instant.now().plusSeconds(1)));
  }
}
