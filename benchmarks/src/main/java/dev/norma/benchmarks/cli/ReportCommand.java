package dev.norma.benchmarks.cli;

import dev.norma.benchmarks.RunInfo;
import dev.norma.benchmarks.report.Report;
import dev.norma.cli.Main;
import dev.norma.cli.UserException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code norma bench report}. */
@Command(
    name = "report",
    description = {"Write report.html and report.md of a run again, from its results.csv and run.json.", ""})
final class ReportCommand implements Callable<Integer> {
  private static final String BEGIN = "<!-- results of ./norma bench -->";
  private static final String END = "<!-- end of results -->";

  @Parameters(paramLabel = "DIR", description = "The folder that --out named.")
  private Path folder;

  @Option(names = "--readme", paramLabel = "FILE",
      description = "Also replace what stands in this file between the lines '" + BEGIN + "' and '" + END + "'.")
  private Optional<Path> readme = Optional.empty();

  @Spec
  private CommandSpec spec;

  @Override
  public Integer call() throws IOException {
    var out = spec.commandLine().getOut();
    var info = info();
    var rows = CompareCommand.rows(folder.resolve("results.csv"));
    Report.write(folder, info, rows);
    out.println("Wrote " + folder.resolve("report.html"));
    out.println("Wrote " + folder.resolve("report.md"));
    if (readme.isPresent()) {
      replaceIn(readme.get(), Report.readme(info, rows));
      out.println("Wrote " + readme.get());
    }
    out.flush();
    return Main.SUCCESS;
  }

  private RunInfo info() throws IOException {
    try {
      return RunInfo.read(folder);
    } catch (IllegalArgumentException e) {
      throw new UserException(e.getMessage());
    }
  }

  private static void replaceIn(Path file, String section) throws IOException {
    String text = Files.readString(file);
    int begin = text.indexOf(BEGIN);
    int end = text.indexOf(END);
    if (begin < 0 || end < begin) {
      throw new UserException("%s: has no lines '%s' and '%s' to write between".formatted(file, BEGIN, END));
    }
    Files.writeString(file,
        text.substring(0, begin + BEGIN.length()) + "\n\n" + section.strip() + "\n\n" + text.substring(end));
  }
}
