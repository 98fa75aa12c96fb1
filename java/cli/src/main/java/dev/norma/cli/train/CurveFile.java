package dev.norma.cli.train;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The learning curves as a table of comma-separated values. */
final class CurveFile {
  private static final String HEADER =
      "batch_normalization,iteration,epoch,train_loss,train_accuracy,validation_loss,validation_accuracy\n";

  private CurveFile() {}

  static void write(Path file, Comparison comparison) throws IOException {
    var lines = new StringBuilder(HEADER);
    append(lines, "without", comparison.without());
    append(lines, "with", comparison.with());
    Files.writeString(file, lines);
  }

  private static void append(StringBuilder lines, String name, Outcome outcome) {
    for (var checkpoint : outcome.checkpoints()) {
      lines.append("%s,%d,%.4f,%.6f,%.6f,%.6f,%.6f%n".formatted(
          name,
          checkpoint.iteration(),
          (double) checkpoint.iteration() / outcome.iterationsPerEpoch(),
          checkpoint.train().loss(),
          checkpoint.train().accuracy(),
          checkpoint.validation().loss(),
          checkpoint.validation().accuracy()));
    }
  }
}
