package dev.norma.benchmarks.cli;

import dev.norma.benchmarks.ResultsFile;
import dev.norma.benchmarks.Row;
import dev.norma.benchmarks.report.Comparison;
import dev.norma.cli.Main;
import dev.norma.cli.UserException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code norma bench compare}. */
@Command(
    name = "compare",
    description = {"Say what became slower or faster between two runs, beyond the noise.", ""})
final class CompareCommand implements Callable<Integer> {
  @Parameters(index = "0", paramLabel = "OLD.csv", description = "results.csv of the older run.")
  private Path before;

  @Parameters(index = "1", paramLabel = "NEW.csv", description = "results.csv of the newer run.")
  private Path after;

  @Spec
  private CommandSpec spec;

  @Override
  public Integer call() throws IOException {
    var out = spec.commandLine().getOut();
    out.print(new Comparison(rows(before), rows(after)).text());
    out.flush();
    return Main.SUCCESS;
  }

  /** The rows of a run. */
  static List<Row> rows(Path file) throws IOException {
    try {
      return ResultsFile.read(file);
    } catch (IllegalArgumentException e) {
      throw new UserException(e.getMessage());
    }
  }
}
