package dev.norma.cli.train;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/**
 * The rows of a table that has a column for each normalization and then two for what a text gives, without and with
 * batch normalization.
 */
record SideBySide(Comparison comparison) {
  private static final Columns COLUMNS = new Columns(22, 18);

  List<String> head(String text) {
    String who = comparison.runs() > 1 ? comparison.runs() + " runs, mean ± dev." : "this run";
    return List.of(
        row("", trained -> trained == comparison.trained().getFirst() ? who : "", text, ""),
        row("normalization", trained -> trained.normalization().toString(), "none", "batch"),
        COLUMNS.rule(comparison.trained().size() + 2));
  }

  String row(Measure measure, String textWithout, String textWith) {
    return row(measure.name(), measure::of, textWithout, textWith);
  }

  String row(String name, Function<Trained, String> cell, String textWithout, String textWith) {
    var cells = new ArrayList<>(comparison.trained().stream().map(cell).toList());
    cells.add(textWithout);
    cells.add(textWith);
    return COLUMNS.row(name, cells);
  }
}
