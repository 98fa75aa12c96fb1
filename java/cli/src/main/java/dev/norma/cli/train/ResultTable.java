package dev.norma.cli.train;

import java.util.List;

/** The table of the text, with this run's results beside those that the text gives. */
final class ResultTable {
  private static final String ROW = "%-22s%-18s%-18s%-18s%-18s";

  private ResultTable() {}

  static List<String> lines(Comparison comparison, double stopLoss) {
    var without = comparison.without();
    var with = comparison.with();
    String condition = "loss <= " + stopLoss;
    return List.of(
        row("", "this run", "", "the text", ""),
        row("batch normalization", "without", "with", "without", "with"),
        row("-".repeat(20), "-".repeat(16), "-".repeat(16), "-".repeat(16), "-".repeat(16)),
        row("stopping condition", condition, condition, "loss < 0.12", "loss < 0.12"),
        row("ended by", ending(without), ending(with), "the condition", "the condition"),
        row("validation loss", loss(without), loss(with), "-", "0.1173"),
        row("epochs", epochs(without), epochs(with), "6", "4"),
        row("iterations", iterations(without), iterations(with),
            "%,d".formatted(Published.WITHOUT.iterations()), "%,d".formatted(Published.WITH.iterations())),
        row("  to loss 0.5", iterationsTo(without, 0.5), iterationsTo(with, 0.5), "-", "-"),
        row("  to loss 0.25", iterationsTo(without, 0.25), iterationsTo(with, 0.25), "-", "-"),
        row("time", seconds(without), seconds(with), "17 s", "19 s"),
        row("time per iteration", milliseconds(without.millisecondsPerIteration()),
            milliseconds(with.millisecondsPerIteration()),
            milliseconds(Published.WITHOUT.millisecondsPerIteration()),
            milliseconds(Published.WITH.millisecondsPerIteration())),
        row("test accuracy", percent(without.test().accuracy()), percent(with.test().accuracy()),
            percent(Published.WITHOUT.accuracy()), percent(Published.WITH.accuracy())));
  }

  private static String row(Object... cells) {
    return ROW.formatted(cells).stripTrailing();
  }

  private static String ending(Outcome outcome) {
    if (outcome.iterations() == 0) {
      return "not trained";
    }
    return switch (outcome.stop()) {
      case LOSS_REACHED -> "the condition";
      case EPOCHS_DONE -> "the last epoch";
      case DIVERGED -> "divergence";
    };
  }

  private static String loss(Outcome outcome) {
    return outcome.checkpoints().isEmpty()
        ? "-"
        : "%.4f".formatted(outcome.checkpoints().getLast().validation().loss());
  }

  private static String epochs(Outcome outcome) {
    return "%.2f".formatted(outcome.epochs());
  }

  private static String iterations(Outcome outcome) {
    return "%,d".formatted(outcome.iterations());
  }

  private static String iterationsTo(Outcome outcome, double loss) {
    if (outcome.checkpoints().isEmpty()) {
      return "-";
    }
    var iterations = outcome.iterationsTo(loss);
    return iterations.isPresent() ? "%,d".formatted(iterations.getAsLong()) : "not reached";
  }

  private static String seconds(Outcome outcome) {
    return "%.2f s".formatted(outcome.seconds());
  }

  private static String milliseconds(double value) {
    return Double.isFinite(value) ? "%.2f ms".formatted(value) : "-";
  }

  private static String percent(double share) {
    return "%.2f %%".formatted(100 * share);
  }
}
