package dev.norma.cli.train;

import dev.norma.cli.ErrorStream;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;

/**
 * Where results go.
 *
 * @param out for tables and notes
 * @param err for progress
 * @param folder for files
 */
record Output(PrintWriter out, PrintWriter err, Path folder) {
  void lines(List<String> lines) {
    lines.forEach(out::println);
    out.println();
    out.flush();
  }

  void line(String line) {
    out.println(line);
    out.flush();
  }

  /** After a command whose kernels were checked: a mismatch would have ended it. */
  void agreed() {
    line("Every call of the kernels agreed with the reference.");
  }

  /** Writes a file and says so. */
  void write(String name, FileWriter writer) throws IOException {
    var file = folder.resolve(name);
    writer.write(file);
    line("Wrote " + file);
  }

  /** Writes one file. */
  interface FileWriter {
    void write(Path file) throws IOException;
  }

  /** Says which trainings of many are done. */
  void progress(String task, Trained trained) {
    err.printf("%s: test accuracy %.4f%n", task, trained.mean(Outcome::testAccuracy));
    err.flush();
  }

  /** A bar on a terminal, else lines. */
  Progress progress(String task, int epochs, long iterationsPerEpoch) {
    return ErrorStream.isTerminal()
        ? new BarProgress(ErrorStream.bar(task, epochs * iterationsPerEpoch))
        : new LineProgress(err, task, epochs);
  }
}
