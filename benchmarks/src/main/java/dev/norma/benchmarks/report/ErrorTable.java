package dev.norma.benchmarks.report;

import dev.norma.benchmarks.ErrorRow;
import dev.norma.benchmarks.report.Table.Cell;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;

/** How exact implementations are, as a table: a row for each type, pass and input, a column for each implementation. */
public final class ErrorTable {
  private final Table table;

  /**
   * The table of some errors.
   *
   * @param rows of the same implementations
   */
  public ErrorTable(List<ErrorRow> rows) {
    var columns = new ArrayList<>(List.of("type", "pass", "x"));
    rows.stream().limit(1).forEach(row -> columns.addAll(row.errors().keySet()));
    table = new Table("Largest errors in units in the last place", columns, rows.stream().map(ErrorTable::cells).toList());
  }

  private static List<Cell> cells(ErrorRow row) {
    var cells = new ArrayList<Cell>();
    cells.add(Cell.of(row.type()));
    cells.add(Cell.of(Units.pass(row.operation(), row.pass())));
    cells.add(Cell.of(row.input()));
    row.errors().values().forEach(error -> cells.add(Cell.number(text(error))));
    return cells;
  }

  private static String text(OptionalDouble error) {
    if (error.isEmpty()) {
      return "–";
    }
    double value = error.getAsDouble();
    return Double.isInfinite(value)
        ? "not finite"
        : String.format(Locale.ROOT, value < 1000 ? "%.2f" : "%.0e", value);
  }

  /**
   * For the terminal.
   *
   * @return lines
   */
  public String text() {
    return table.toText();
  }

  /**
   * For a page.
   *
   * @return a table in Markdown
   */
  public String markdown() {
    return table.toMarkdown();
  }
}
