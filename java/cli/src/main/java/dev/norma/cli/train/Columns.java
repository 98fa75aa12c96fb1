package dev.norma.cli.train;

import java.util.List;

/**
 * How wide the columns of a table of text are.
 *
 * @param name the first one
 * @param cell each of the others
 */
record Columns(int name, int cell) {
  String row(String first, List<String> cells) {
    var row = new StringBuilder(padded(first, name));
    cells.forEach(text -> row.append(padded(text, cell)));
    return row.toString().stripTrailing();
  }

  /** The line below the head of a table. */
  String rule(int cells) {
    return "-".repeat(name - 2) + ("  " + "-".repeat(cell - 2)).repeat(cells);
  }

  private static String padded(String text, int width) {
    return ("%-" + width + "s").formatted(text);
  }
}
