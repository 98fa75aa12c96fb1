package dev.norma.cli;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;

/** Runs the command line inside the JVM of the tests, through the same door as a user. */
public final class Cli {
  /** What a command said and how it ended. */
  public record Result(int exitCode, String out, String err) {
    /** The cells of a row of the result table after its name, which are separated by two blanks or more. */
    public String[] row(String name) {
      return out.lines()
          .filter(line -> line.startsWith(name + "  "))
          .findFirst()
          .orElseThrow(() -> new AssertionError("no row '" + name + "' in\n" + out))
          .substring(name.length())
          .strip()
          .split(" {2,}");
    }

    /** A percentage of the result table as a number. */
    public double percent(String name, int column) {
      return Double.parseDouble(row(name)[column].replace(" %", ""));
    }
  }

  private Cli() {}

  public static Result run(String... arguments) {
    var out = new StringWriter();
    var err = new StringWriter();
    int exitCode = Main.run(new PrintWriter(out), new PrintWriter(err), List.of(), arguments);
    return new Result(exitCode, out.toString(), err.toString());
  }
}
