package dev.norma.cli.train;

import java.io.PrintWriter;

/** Progress for logs and pipes: a line for every epoch. */
final class LineProgress implements Progress {
  private final PrintWriter log;
  private final String task;
  private long epochsShown;

  LineProgress(PrintWriter log, String task) {
    this.log = log;
    this.task = task;
  }

  @Override
  public void at(Checkpoint checkpoint, double epochs) {
    if ((long) epochs > epochsShown) {
      epochsShown = (long) epochs;
      log.printf("%s: epoch %d, iteration %,d, validation loss %.4f, accuracy %.4f%n", task, epochsShown,
          checkpoint.iteration(), checkpoint.validation().loss(), checkpoint.validation().accuracy());
      log.flush();
    }
  }
}
