package dev.norma.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.norma.NativeLibrary;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MainTest {
  private static void assertMisuse(String message, String... arguments) {
    var result = Cli.run(arguments);
    assertThat(result.exitCode()).isEqualTo(2);
    assertThat(result.out()).isEmpty();
    assertThat(result.err().lines()).singleElement().asString().contains(message).contains("--help lists the options");
  }

  @Test
  void helpListsTheCommands() {
    var result = Cli.run("--help");
    assertThat(result.exitCode()).isZero();
    assertThat(result.out()).contains("train", "check", "info", "--debug");
    assertThat(result.err()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"train", "check", "info"})
  void everyCommandHasHelp(String command) {
    var result = Cli.run(command, "--help");
    assertThat(result.exitCode()).isZero();
    assertThat(result.out()).startsWith("Usage: norma " + command);
    assertThat(result.out().lines()).as("lines fit a terminal").allMatch(line -> line.length() <= 80);
  }

  @Test
  void versionIsThatOfTheLibrary() {
    var result = Cli.run("--version");
    assertThat(result.exitCode()).isZero();
    assertThat(result.out().strip()).isEqualTo("norma " + NativeLibrary.version());
  }

  @Test
  void misuseIsOneLineAndExitCodeTwo() {
    assertMisuse("norma: a command is missing");
    assertMisuse("frobnicate", "frobnicate");
    assertMisuse("Unknown option: '--frob'", "train", "--frob");
    assertMisuse("--epochs must be at least 0, not -1", "train", "--epochs", "-1");
    assertMisuse("--batch-size must be at least 2, not 1", "train", "--batch-size", "1");
    assertMisuse("--learning-rate must be above 0 and finite, not NaN", "train", "--learning-rate", "NaN");
    assertMisuse("--stop-loss must be at least 0", "train", "--stop-loss", "-0.5");
    assertMisuse("--check needs --layer norma", "train", "--layer", "djl", "--check");
    assertMisuse("'vgg' is none of mlp, lenet, two-layer", "train", "--network", "vgg");
    assertMisuse("'rms' is none of none, batch", "train", "--normalization", "none,rms");
    assertMisuse("--normalization has batch twice", "train", "--normalization", "batch,none,batch");
    assertMisuse("--runs must be at least 1, not 0", "train", "--runs", "0");
    assertMisuse("leave out --runs", "train", "--runs", "2", "--save", "file");
    assertMisuse("leave out --runs", "train", "--runs", "2", "--load", "file");
    assertMisuse("'momentum' is none of batch-size", "train", "--sweep", "momentum");
    assertMisuse("--batch-size does not go with --sweep batch-size", "train", "--sweep", "batch-size",
        "--batch-size", "8");
    assertMisuse("--sweep does not go with --network two-layer", "train", "--network", "two-layer",
        "--sweep", "batch-size");
    assertMisuse("--data does not go with --network two-layer", "train", "--network", "two-layer", "--data", "x");
    assertMisuse("--network does not go with --jacobian", "train", "--jacobian", "--network", "lenet");
    assertMisuse("--runs does not go with --jacobian", "train", "--jacobian", "--runs", "3");
    assertMisuse("its folder does not exist", "train", "--save", "no/such/folder/file");
    assertMisuse("'3' is not batch x channels x spatial extents", "check", "--shape", "3");
    assertMisuse("'4x0' is not batch", "check", "--shape", "4x0");
    assertMisuse("'2x2x2x2x2x2' is not batch", "check", "--shape", "2x2x2x2x2x2");
    assertMisuse("'4xfour' is not batch", "check", "--shape", "4xfour");
    assertMisuse("'nwhc' is neither nchw nor nhwc", "check", "--layout", "nwhc");
    assertMisuse("'f8' is none of f32, f64, bf16, f16", "check", "--type", "f8");
  }

  @Test
  void aFailureIsOneLineAndExitCodeOne() {
    var result = Cli.run("train", "--data", "no/such/folder");
    assertThat(result.exitCode()).isEqualTo(1);
    assertThat(result.err().lines()).containsExactly("norma train: no/such/folder: no such folder");
  }

  @Test
  void debugShowsWhereAFailureArose() {
    var result = Cli.run("train", "--data", "no/such/folder", "--debug");
    assertThat(result.exitCode()).isEqualTo(1);
    assertThat(result.err()).contains("no/such/folder: no such folder", "at dev.norma.cli.data.ImageFolder.read");
  }

  @Test
  void memoryThatCannotBeHadIsAFailureToo() {
    var result = Cli.run("check", "--shape", "1000000000x1000000000");
    assertThat(result.exitCode()).isEqualTo(1);
    assertThat(result.err().lines()).singleElement().asString().contains("not enough memory");
  }
}
