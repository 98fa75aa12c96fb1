package dev.norma.benchmarks.run;

import dev.norma.benchmarks.Case;
import dev.norma.cli.ErrorStream;
import java.io.PrintWriter;
import java.util.Optional;
import me.tongfei.progressbar.ProgressBar;

/** Shows how far a run is: a bar on a terminal, else a line now and then. */
final class Progress implements AutoCloseable {
  private static final int STEPS = 1000;
  private static final long LINE_EVERY_NANOSECONDS = 15_000_000_000L;

  /** The share of the run for which the estimate weighs more than the time. */
  private static final double BELIEF = 0.05;

  private final Estimate estimate;
  private final int cases;
  private final double total;
  private final PrintWriter log;
  private final Optional<ProgressBar> bar;
  private final long start = System.nanoTime();
  private long lastLine = start;
  private double done;
  private int casesDone;

  Progress(Estimate estimate, int cases, PrintWriter log) {
    this.estimate = estimate;
    this.cases = cases;
    this.log = log;
    total = estimate.total();
    bar = ErrorStream.isTerminal() ? Optional.of(ErrorStream.bar("bench", STEPS)) : Optional.empty();
  }

  /** A share of a case is done. */
  void at(Case each, double share) {
    double now = done + share * estimate.of(each);
    String left = "%s left".formatted(Estimate.text(secondsLeft(now)));
    bar.ifPresent(shown -> {
      shown.stepTo(Math.round(STEPS * now / total));
      shown.setExtraMessage(" %s, %s %s %s".formatted(left, each.shape().name(), each.operation(), each.pass()));
    });
    if (bar.isEmpty() && System.nanoTime() - lastLine > LINE_EVERY_NANOSECONDS) {
      lastLine = System.nanoTime();
      log.printf("bench: case %d of %d, %s: %s, %s %s %s %s, %s%n", casesDone + 1, cases, left,
          each.shape().name(), each.operation(), each.pass(), each.type(), each.layout(),
          each.threads() == 1 ? "1 thread" : each.threads() + " threads");
      log.flush();
    }
  }

  /** The time so far says how long a second of the estimate takes, the more the longer it is. */
  private double secondsLeft(double now) {
    double elapsed = (System.nanoTime() - start) / 1e9;
    double belief = BELIEF * total;
    return (elapsed + belief) / (now + belief) * (total - now);
  }

  /** A case is done. */
  void done(Case each) {
    done += estimate.of(each);
    casesDone++;
  }

  int casesDone() {
    return casesDone;
  }

  @Override
  public void close() {
    bar.ifPresent(ProgressBar::close);
  }
}
