package dev.norma.cli.train;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** The outputs in test mode after every iteration, as comma-separated values. */
final class TwoLayerFile {
  private TwoLayerFile() {}

  static void write(Path file, List<RunningHistory> histories) throws IOException {
    var lines = new StringBuilder("network,running_statistics,iterations,output,mean,deviation\n");
    for (var history : histories) {
      history.test().forEach((way, statistics) -> {
        for (int iterations = 0; iterations < statistics.size(); iterations++) {
          append(lines, "%s,%s,%d".formatted(history.name(), way.title(), iterations), statistics.get(iterations));
        }
      });
    }
    Files.writeString(file, lines);
  }

  private static void append(StringBuilder lines, String start, UnitStatistics statistics) {
    for (int unit = 0; unit < statistics.means().length; unit++) {
      lines.append("%s,%d,%.6g,%.6g\n".formatted(
          start, unit + 1, statistics.means()[unit], statistics.deviations()[unit]));
    }
  }
}
