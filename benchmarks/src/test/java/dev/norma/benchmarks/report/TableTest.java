package dev.norma.benchmarks.report;

import static org.assertj.core.api.Assertions.assertThat;

import dev.norma.benchmarks.report.Table.Cell;
import java.util.List;
import org.junit.jupiter.api.Test;

class TableTest {
  private static final Table TABLE = new Table(
      "a < b",
      List.of("peer", "ratio"),
      List.of(
          List.of(Cell.of("x|y"), Cell.number("1.00×")),
          List.of(Cell.of("<i>"), new Cell("12.0×", Table.Tone.WEAK))));

  @Test
  void alignsNumbersToTheRightInText() {
    assertThat(TABLE.toText()).isEqualTo("""
        peer  ratio
        x|y   1.00×
        <i>   12.0×
        """);
  }

  @Test
  void escapesInMarkdown() {
    assertThat(TABLE.toMarkdown()).isEqualTo("""
        | peer | ratio |
        | --- | ---: |
        | x\\|y | 1.00× |
        | &lt;i> | 12.0× |
        """);
  }

  @Test
  void escapesInHtmlAndNamesRowsAndColumns() {
    assertThat(TABLE.toHtml())
        .contains("aria-label=\"a &lt; b\"", "<th scope=\"col\">peer</th>")
        .contains("<tr><th scope=\"row\">&lt;i&gt;</th><td class=\"weak\">12.0×</td></tr>");
    assertThat(Escape.html("\"&'")).isEqualTo("&quot;&amp;'");
  }

  @Test
  void makesWrongResultsBoldInMarkdown() {
    var table = new Table("", List.of("a", "b"), List.of(List.of(Cell.of("x"), Cell.bad("wrong: y\nz"))));
    assertThat(table.toMarkdown()).endsWith("| x | **wrong: y z** |\n");
  }
}
