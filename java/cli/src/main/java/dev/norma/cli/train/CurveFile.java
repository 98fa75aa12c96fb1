package dev.norma.cli.train;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The learning curves as a table of comma-separated values. */
final class CurveFile {
  private static final String HEADER =
      "normalization,iteration,epoch,train_loss,train_accuracy,validation_loss,validation_accuracy";

  private CurveFile() {}

  /** Several runs have a last column with the seed. */
  static void write(Path file, Comparison comparison, long firstSeed) throws IOException {
    boolean several = comparison.runs() > 1;
    var lines = new StringBuilder(HEADER).append(several ? ",seed\n" : "\n");
    for (var trained : comparison.trained()) {
      for (int run = 0; run < trained.runs().size(); run++) {
        String end = several ? "," + (firstSeed + run) : "";
        append(lines, trained.normalization(), trained.runs().get(run), end);
      }
    }
    Files.writeString(file, lines);
  }

  private static void append(StringBuilder lines, Normalization normalization, Outcome outcome, String end) {
    for (var checkpoint : outcome.checkpoints()) {
      lines.append("%s,%d,%.4f,%.6f,%.6f,%.6f,%.6f%s\n".formatted(
          normalization,
          checkpoint.iteration(),
          (double) checkpoint.iteration() / outcome.iterationsPerEpoch(),
          checkpoint.train().loss(),
          checkpoint.train().accuracy(),
          checkpoint.validation().loss(),
          checkpoint.validation().accuracy(),
          end));
    }
  }
}
