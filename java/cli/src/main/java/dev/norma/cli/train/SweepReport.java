package dev.norma.cli.train;

import java.util.ArrayList;
import java.util.List;

/** The test accuracies by batch size. */
final class SweepReport {
  private static final Columns COLUMNS = new Columns(14, 18);
  private static final Measure ACCURACY = Measure.percent("", Outcome::testAccuracy);

  private SweepReport() {}

  static List<String> lines(List<SweepPoint> points) {
    var trained = points.getFirst().comparison().trained();
    int runs = points.getFirst().comparison().runs();
    var lines = new ArrayList<String>();
    var head = new ArrayList<>(List.of("learning rate", "iterations"));
    trained.forEach(entry -> head.add(entry.normalization().toString()));
    lines.add(COLUMNS.row("", List.of("", "", "test accuracy" + (runs > 1 ? ", %d runs, mean ± dev.".formatted(runs)
        : ""))));
    lines.add(COLUMNS.row("batch size", head));
    lines.add(COLUMNS.rule(head.size()));
    points.forEach(point -> lines.add(line(point)));
    return lines;
  }

  private static String line(SweepPoint point) {
    var cells = new ArrayList<>(List.of(
        Float.toString(point.recipe().learningRate()),
        "%,d".formatted(point.comparison().mostIterations())));
    point.comparison().trained().forEach(entry -> cells.add(accuracy(entry)));
    return COLUMNS.row(Integer.toString(point.batchSize()), cells);
  }

  private static String accuracy(Trained trained) {
    return trained.ended(Outcome.Stop.DIVERGED) > 0 ? "diverged" : ACCURACY.of(trained);
  }
}
