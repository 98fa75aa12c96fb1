package dev.norma.cli.train;

import java.io.PrintWriter;

/** Progress for logs and pipes: a line for every epoch, or fewer if there are many. */
final class LineProgress implements Progress {
  private static final int MOST_LINES = 30;

  private final PrintWriter log;
  private final String task;
  private final long step;
  private long epochsShown;

  /** {@code epochs}: the most that there will be. */
  LineProgress(PrintWriter log, String task, int epochs) {
    this.log = log;
    this.task = task;
    step = Math.max(1, epochs / MOST_LINES);
  }

  @Override
  public void at(Checkpoint checkpoint, double epochs) {
    if ((long) epochs >= epochsShown + step) {
      epochsShown = (long) epochs;
      log.printf("%s: epoch %d, iteration %,d, validation loss %.4f, accuracy %.4f%n", task, epochsShown,
          checkpoint.iteration(), checkpoint.validation().loss(), checkpoint.validation().accuracy());
      log.flush();
    }
  }
}
