package dev.norma.benchmarks.report;

import dev.norma.benchmarks.Row;
import dev.norma.benchmarks.RunInfo;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;

/** What a run ends in. */
public final class Report {
  private Report() {}

  /**
   * Writes report.html and report.md, over older ones.
   *
   * @param folder of the run, which exists
   * @param info about the run
   * @param rows of its results.csv
   * @throws IOException if a file cannot be written
   */
  public static void write(Path folder, RunInfo info, List<Row> rows) throws IOException {
    var results = Results.of(info, rows);
    Files.writeString(folder.resolve("report.html"), HtmlReport.of(info, results));
    Files.writeString(folder.resolve("report.md"), MarkdownReport.of(info, results));
  }

  /**
   * The result in a few lines, for the terminal.
   *
   * @param info about the run
   * @param rows of its results.csv
   * @return lines, each with its end
   */
  public static String summary(RunInfo info, List<Row> rows) {
    var results = Results.of(info, rows);
    var verdict = new Verdict(results);
    String table = results.headline()
        .map(group -> "\n%s\n%s\n\n%s".formatted(
            group, RatioTables.READING, new RatioTables(results, group).all().toText()))
        .orElse("");
    return verdict.sentence() + "\n" + table + wrong(rows);
  }

  private static String wrong(List<Row> rows) {
    long count = Problem.of(rows).stream().filter(Problem::isWrong).map(Problem::implementation).distinct().count();
    return count == 0
        ? ""
        : "\n%s computed wrong results: see the report.\n".formatted(Units.count(count, "implementation"));
  }

  /**
   * The section on the run for a README: Markdown from the machine on, without a heading.
   *
   * @param info about the run
   * @param rows of its results.csv
   * @return lines, each with its end
   */
  public static String readme(RunInfo info, List<Row> rows) {
    var results = Results.of(info, rows);
    String machine = info.machine().entrySet().stream()
        .map(fact -> "%s: %s".formatted(fact.getKey(), fact.getValue()))
        .collect(Collectors.joining("; "));
    return "`%s` at commit %s, on %s.\n\n".formatted(info.command(), info.commit(), machine)
        + results.headline()
            .map(group -> "%s. %s %s\n\n%s".formatted(
                new Verdict(results).scope(),
                RatioTables.READING,
                RatioTables.NAMES,
                new RatioTables(results, group).all().toMarkdown()))
            .orElse("No case was measured.\n");
  }
}
