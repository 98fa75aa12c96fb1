package dev.norma.cli.train;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** The results of LeNet beside those of the text, and the first normalization's gamma and beta, as in the text. */
final class LeNetReport {
  private static final Affine PUBLISHED = new Affine(
      new float[] {2.6914f, 2.5985f, 3.8031f, 2.4383f, 1.4624f, 2.6880f},
      new float[] {-3.1298f, 2.5322f, -2.1505f, 2.3287f, 0.0692f, 1.7874f});

  private static final Measure LOSS = new Measure("loss", "%.3f", "", outcome -> outcome.train().loss());
  private static final Measure TRAINING =
      Measure.percent("training accuracy", outcome -> outcome.train().accuracy());
  private static final Measure TEST = Measure.percent("test accuracy", Outcome::testAccuracy);
  private static final Measure SPEED = new Measure("examples per second", "%,.0f", "", Outcome::examplesPerSecond);

  private static final double PUBLISHED_SPEED = 32_546.7 / 40_832.5;

  /** The first convolution of LeNet has six channels; other normalizations may have more parameters. */
  private static final int MOST_SHOWN = 6;

  private LeNetReport() {}

  static List<String> lines(Comparison comparison) {
    var lines = new ArrayList<>(table(comparison));
    lines.add("");
    lines.addAll(affine(comparison));
    lines.addAll(notes(comparison));
    return lines;
  }

  private static List<String> table(Comparison comparison) {
    var rows = new SideBySide(comparison);
    var lines = new ArrayList<>(rows.head("the text"));
    lines.add(rows.row("epochs", trained -> "%.0f".formatted(trained.mean(Outcome::epochs)), "10", "10"));
    lines.add(rows.row(LOSS, "0.473", "0.271"));
    lines.add(rows.row(TRAINING, "82.30 %", "89.90 %"));
    lines.add(rows.row(TEST, "78.60 %", "86.20 %"));
    lines.add(rows.row(SPEED, "40,833 (GPU)", "32,547 (GPU)"));
    return lines;
  }

  private static List<String> affine(Comparison comparison) {
    var lines = new ArrayList<String>();
    for (var trained : comparison.trained()) {
      trained.runs().getFirst().firstNormalization()
          .ifPresent(affine -> add(lines, trained.normalization().toString(), affine));
    }
    if (!lines.isEmpty()) {
      String which = comparison.runs() > 1 ? " (of the first run)" : "";
      lines.addFirst("Gamma and beta of the first normalization" + which + ":");
      add(lines, "the text", PUBLISHED);
      lines.add("");
    }
    return lines;
  }

  private static void add(List<String> lines, String name, Affine affine) {
    lines.add("  %-12s gamma %s".formatted(name, numbers(affine.gamma())));
    lines.add("  %-12s beta  %s".formatted("", numbers(affine.beta())));
  }

  private static String numbers(float[] values) {
    String shown = IntStream.range(0, Math.min(values.length, MOST_SHOWN))
        .mapToObj(i -> "%8.4f".formatted(values[i]))
        .collect(Collectors.joining());
    return values.length > MOST_SHOWN ? shown + " ..." : shown;
  }

  private static List<String> notes(Comparison comparison) {
    var lines = new ArrayList<String>();
    var without = comparison.with(Normalization.NONE);
    var with = comparison.with(Normalization.BATCH);
    if (comparison.hasTrained() && without.isPresent() && with.isPresent()) {
      lines.addAll(List.of(
          "With batch normalization, compared with without:",
          "  test accuracy        %+.2f points   (the text: +7.60 points)".formatted(
              100 * (with.get().mean(Outcome::testAccuracy) - without.get().mean(Outcome::testAccuracy))),
          "  examples per second  x %.2f   (the text: x %.2f)".formatted(
              with.get().mean(Outcome::examplesPerSecond) / without.get().mean(Outcome::examplesPerSecond),
              PUBLISHED_SPEED),
          ""));
    }
    lines.addAll("""
        Loss and accuracy are of the trained network in inference mode; the loss is that of the training images.
        Examples per second are those of training, without the measurements on the way. The text trained on the 60,000
        images of Fashion-MNIST in batches of 256.
        Where the text is at odds with itself:
          - It says that inference became 20 %% slower. Its numbers are those of training: x %.2f.
          - It compares with the LeNet of an earlier chapter, which has padding, means in place of maxima, and another
            learning rate. Here the networks differ in their normalization alone."""
        .formatted(PUBLISHED_SPEED)
        .lines()
        .toList());
    return lines;
  }
}
