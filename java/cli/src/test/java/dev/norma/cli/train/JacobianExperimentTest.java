package dev.norma.cli.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.norma.cli.Cli;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.DoubleStream;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code norma train --jacobian}. */
class JacobianExperimentTest {
  /**
   * Central differences with a step of 1e-5 are off by 1e-10 / 6 times a third derivative, here below 50, and by
   * rounding, 1e-15 over the step.
   */
  private static final double TOLERANCE = 1e-9;

  @TempDir Path folder;

  private Cli.Result train(String... options) {
    var arguments = Stream.concat(
        Stream.of("train", "--jacobian", "--out", folder.toString()), Stream.of(options));
    var result = Cli.run(arguments.toArray(String[]::new));
    assertThat(result.err()).isEmpty();
    assertThat(result.exitCode()).isZero();
    return result;
  }

  private static double[] differences(Cli.Result result, String name) {
    return Stream.of(result.row(name)).mapToDouble(Double::parseDouble).toArray();
  }

  @ParameterizedTest
  @ValueSource(strings = {"1", "2", "3"})
  void theFormulaHoldsAndTheTextsDoesNot(String seed) throws IOException {
    var result = train("--seed", seed);
    for (String name : new String[] {"the formula", "Norma's backward pass"}) {
      assertThat(differences(result, name)).as(name).containsExactly(new double[2], within(TOLERANCE));
    }
    assertThat(DoubleStream.of(differences(result, "the text's formula")).min().getAsDouble()).isGreaterThan(0.01);
    assertThat(Files.readString(folder.resolve("jacobian.csv")).lines()).hasSize(17);
    assertThat(ImageIO.read(folder.resolve("jacobian.png").toFile()).getWidth()).isEqualTo(1200);
  }

  @Test
  void everyCallCanBeChecked() {
    assertThat(train("--check").out()).contains("Every call of the kernels agreed with the reference.");
  }
}
