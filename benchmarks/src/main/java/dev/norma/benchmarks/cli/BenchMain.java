package dev.norma.benchmarks.cli;

import dev.norma.cli.Main;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Norma's command line with {@code bench} beside the other commands. */
public final class BenchMain {
  private BenchMain() {}

  /**
   * Runs a command and ends the JVM with its exit code.
   *
   * @param arguments the name of a command and its arguments
   */
  public static void main(String[] arguments) {
    var out = new PrintWriter(System.out, true, StandardCharsets.UTF_8);
    var err = new PrintWriter(System.err, true, StandardCharsets.UTF_8);
    System.exit(Main.run(out, err, List.of(new BenchCommand()), arguments));
  }
}
