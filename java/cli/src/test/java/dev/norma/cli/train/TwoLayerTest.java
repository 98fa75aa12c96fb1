package dev.norma.cli.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.norma.cli.Cli;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code norma train --network two-layer}. */
class TwoLayerTest {
  @TempDir Path folder;

  private Cli.Result train(String... options) {
    var arguments = Stream.concat(
        Stream.of("train", "--network", "two-layer", "--out", folder.toString()), Stream.of(options));
    var result = Cli.run(arguments.toArray(String[]::new));
    assertThat(result.err()).isEmpty();
    assertThat(result.exitCode()).isZero();
    return result;
  }

  /** The rows of one name: 50 iterations of the usual network, its ratios, and both of the quiet one. */
  private static List<double[]> rows(Cli.Result result, String name) {
    return result.out().lines()
        .filter(line -> line.startsWith(name + " "))
        .map(line -> Stream.of(line.substring(name.length()).strip().split(" +"))
            .mapToDouble(Double::parseDouble)
            .toArray())
        .toList();
  }

  @Test
  void testModeIsRightOnlyWithTheRightRunningStatistics() {
    var result = train();
    double[] affine = rows(result, "beta and gamma").getFirst();
    assertThat(affine).containsExactly(11, 1, 12, 2, 13, 3);
    // Shown with three digits; epsilon over the variance is 1e-8.
    assertThat(rows(result, "training mode, last batch").getFirst()).containsExactly(affine, within(0.0011));
    double[] right = rows(result, "test: right").getFirst();
    for (int output = 0; output < 3; output++) {
      double gamma = affine[2 * output + 1];
      // A batch of 200 and running averages of about 19 such batches: standard errors of 0.07 and 0.05 gamma.
      assertThat(right[2 * output]).isCloseTo(affine[2 * output], within(0.4 * gamma));
      assertThat(right[2 * output + 1]).isCloseTo(gamma, within(0.3 * gamma));
    }
    assertThat(rows(result, "test: averages not updated").getFirst()[1]).isGreaterThan(10);
  }

  @Test
  void everyMistakeShowsSomewhere() {
    var result = train();
    double[] usual = rows(result, "right").getFirst();
    double[] quiet = rows(result, "right").getLast();
    // Epsilon, of the size of the variance, draws both modes together.
    assertThat(quiet[5]).as("in the long run the first variance does not matter").isBetween(1.0, usual[5]);
    assertThat(quiet[4]).as("the first variance outweighs small activations").isLessThan(0.1);
    // The batch's variance v is 8.7e-6, epsilon 1e-5: sqrt((v + epsilon) / (v + 2 epsilon)) is 0.80.
    assertThat(rows(result, "epsilon in the variance").getLast()[5]).isCloseTo(0.80 * quiet[5], within(0.03));
    // 1 / sqrt(1 - 0.9)
    assertThat(rows(result, "variance starts at 0").getFirst()[1]).isCloseTo(3.16, within(0.3));
    assertThat(rows(result, "variance starts at 0").getFirst()[0]).isGreaterThan(1000);
    assertThat(rows(result, "as the text's code").getFirst()[5]).isCloseTo(usual[5], within(0.01));
    for (double ratio : rows(result, "averages not updated").getFirst()) {
      assertThat(ratio).isGreaterThan(10);
    }
  }

  @Test
  void theSeedDecidesEveryNumber() throws IOException {
    train();
    String first = Files.readString(folder.resolve("two-layer.csv"));
    assertThat(first.lines()).hasSize(1 + 2 * 5 * 201 * 3);
    train();
    assertThat(folder.resolve("two-layer.csv")).hasContent(first);
    train("--seed", "2");
    assertThat(Files.readString(folder.resolve("two-layer.csv"))).isNotEqualTo(first);
    assertThat(ImageIO.read(folder.resolve("two-layer.png").toFile()).getWidth()).isEqualTo(1200);
  }

  @Test
  void everyCallCanBeChecked() {
    assertThat(train("--check").out()).contains("Every call of the kernels agreed with the reference.");
  }
}
