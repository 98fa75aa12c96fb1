package dev.norma.benchmarks.report;

import dev.norma.benchmarks.RunInfo;
import java.util.List;
import java.util.stream.Collectors;

/** report.md: the facts of report.html as tables. */
final class MarkdownReport {
  private MarkdownReport() {}

  static String of(RunInfo info, Results results) {
    var text = new StringBuilder("# Norma beside its peers\n\n");
    var verdict = new Verdict(results);
    text.append(verdict.sentence()).append(' ').append(verdict.scope()).append(".\n\n");
    info.notes().forEach(note -> text.append("> ").append(Escape.markdown(note)).append("\n\n"));
    section(text, "The run", Tables.machine(info));
    section(text, "What was compared", Tables.versions(info));
    appendRatios(text, results);
    appendProblems(text, results);
    appendMedians(text, results);
    return text.toString();
  }

  private static void section(StringBuilder text, String title, Table table) {
    text.append("## ").append(title).append("\n\n").append(table.toMarkdown()).append('\n');
  }

  private static void appendRatios(StringBuilder text, Results results) {
    text.append("## Ratios\n\n").append(RatioTables.READING).append('\n').append(RatioTables.NAMES).append("\n\n");
    for (var group : results.groups()) {
      var tables = new RatioTables(results, group);
      for (var table : List.of(tables.peers(), tables.norma())) {
        if (!table.isEmpty()) {
          text.append("### ").append(table.caption()).append("\n\n").append(table.toMarkdown()).append('\n');
        }
      }
    }
  }

  private static void appendProblems(StringBuilder text, Results results) {
    var problems = Problem.of(results.rows());
    if (problems.isEmpty()) {
      text.append("## What has no time\n\nNothing: every implementation ran every case.\n\n");
    } else {
      section(text, "What has no time, and why", Problem.table(problems));
    }
  }

  private static void appendMedians(StringBuilder text, Results results) {
    text.append("## Times\n\n")
        .append("Medians over the rounds. `report.html` has the quartiles too, `results.csv` the rounds.\n\n");
    text.append(results.groups().stream()
        .flatMap(group -> results.selections(group).stream())
        .map(selection -> Tables.medians(results, selection))
        .map(table -> "### " + table.caption() + "\n\n" + table.toMarkdown())
        .collect(Collectors.joining("\n")));
  }
}
