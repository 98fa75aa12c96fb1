package dev.norma.cli.train;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Every training of a sweep as a line of comma-separated values. */
final class SweepFile {
  private static final String HEADER =
      "batch_size,learning_rate,normalization,seed,iterations,train_loss,train_accuracy,test_loss,"
          + "test_accuracy\n";

  private SweepFile() {}

  static void write(Path file, List<SweepPoint> points, long firstSeed) throws IOException {
    var lines = new StringBuilder(HEADER);
    for (var point : points) {
      for (var trained : point.comparison().trained()) {
        for (int run = 0; run < trained.runs().size(); run++) {
          var outcome = trained.runs().get(run);
          lines.append("%d,%s,%s,%d,%d,%.6f,%.6f,%.6f,%.6f\n".formatted(
              point.batchSize(), point.recipe().learningRate(), trained.normalization(), firstSeed + run,
              outcome.iterations(), outcome.train().loss(), outcome.train().accuracy(), outcome.test().loss(),
              outcome.test().accuracy()));
        }
      }
    }
    Files.writeString(file, lines);
  }
}
