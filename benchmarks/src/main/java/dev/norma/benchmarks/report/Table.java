package dev.norma.benchmarks.report;

import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * A table, for the terminal, Markdown or HTML.
 *
 * @param caption what it shows
 * @param columns their headers
 * @param rows of as many cells; the first names the row
 */
record Table(String caption, List<String> columns, List<List<Cell>> rows) {
  /** How a cell is to be seen. */
  enum Tone {
    TEXT,
    NUMBER,
    /** Not as good as Norma should be. */
    WEAK,
    /** Wrong results. */
    BAD
  }

  /**
   * A cell.
   *
   * @param text as it is, not escaped
   * @param tone how it is to be seen
   */
  record Cell(String text, Tone tone) {
    static Cell of(String text) {
      return new Cell(text, Tone.TEXT);
    }

    static Cell number(String text) {
      return new Cell(text, Tone.NUMBER);
    }

    static Cell bad(String text) {
      return new Cell(text, Tone.BAD);
    }

    boolean isNumber() {
      return tone == Tone.NUMBER || tone == Tone.WEAK;
    }
  }

  boolean isEmpty() {
    return rows.isEmpty();
  }

  private boolean isNumeric(int column) {
    return !rows.isEmpty() && rows.stream().allMatch(row -> row.get(column).isNumber());
  }

  /** Columns padded with spaces, numbers to the right. */
  String toText() {
    var lines = Stream.concat(Stream.of(columns), rows.stream().map(row -> row.stream().map(Cell::text).toList()))
        .toList();
    int[] widths = IntStream.range(0, columns.size())
        .map(column -> lines.stream().mapToInt(line -> line.get(column).length()).max().orElse(0))
        .toArray();
    return lines.stream().map(line -> padded(line, widths)).collect(Collectors.joining());
  }

  private String padded(List<String> line, int[] widths) {
    return IntStream.range(0, widths.length)
            .mapToObj(column -> isNumeric(column)
                ? " ".repeat(widths[column] - line.get(column).length()) + line.get(column)
                : line.get(column) + " ".repeat(widths[column] - line.get(column).length()))
            .collect(Collectors.joining("  "))
            .stripTrailing()
        + "\n";
  }

  /** In GitHub's dialect, which has no captions. */
  String toMarkdown() {
    return markdownLine(columns)
        + markdownLine(IntStream.range(0, columns.size())
            .mapToObj(column -> isNumeric(column) ? "---:" : "---")
            .toList())
        + rows.stream()
            .map(row -> markdownLine(row.stream().map(Table::markdown).toList()))
            .collect(Collectors.joining());
  }

  private static String markdownLine(List<String> cells) {
    return cells.stream().collect(Collectors.joining(" | ", "| ", " |\n"));
  }

  private static String markdown(Cell cell) {
    String text = Escape.markdown(cell.text());
    return cell.tone() == Tone.BAD ? "**" + text + "**" : text;
  }

  /** In a box of its own that scrolls where the table is wider than the page. */
  String toHtml() {
    String head = columns.stream()
        .map(column -> "<th scope=\"col\">%s</th>".formatted(Escape.html(column)))
        .collect(Collectors.joining("", "<thead><tr>", "</tr></thead>"));
    String body = rows.stream().map(Table::htmlRow).collect(Collectors.joining("\n", "<tbody>\n", "\n</tbody>"));
    return """
        <div class="scroll" tabindex="0" role="region" aria-label="%1$s">
        <table>
        <caption><span>%1$s</span></caption>
        %2$s
        %3$s
        </table>
        </div>
        """.formatted(Escape.html(caption), head, body);
  }

  private static String htmlRow(List<Cell> row) {
    Function<Cell, String> cell = one ->
        "<td class=\"%s\">%s</td>".formatted(one.tone().name().toLowerCase(Locale.ROOT), Escape.html(one.text()));
    return "<tr><th scope=\"row\">%s</th>".formatted(Escape.html(row.getFirst().text()))
        + row.stream().skip(1).map(cell).collect(Collectors.joining())
        + "</tr>";
  }
}
