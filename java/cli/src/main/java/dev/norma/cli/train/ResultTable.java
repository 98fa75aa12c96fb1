package dev.norma.cli.train;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;

/** The table of the text, with the results of our trainings beside those that the text gives. */
final class ResultTable {
  private static final Measure VALIDATION_LOSS =
      new Measure("validation loss", "%.4f", "", ResultTable::lastValidationLoss);
  private static final Measure EPOCHS = new Measure("epochs", "%.2f", "", Outcome::epochs);
  private static final Measure ITERATIONS = new Measure("iterations", "%,.0f", "", Outcome::iterations);
  private static final Measure TIME = new Measure("time", "%.2f", " s", Outcome::seconds);
  private static final Measure ITERATION_TIME =
      new Measure("time per iteration", "%.2f", " ms", Outcome::millisecondsPerIteration);
  private static final Measure ACCURACY = Measure.percent("test accuracy", Outcome::testAccuracy);

  private ResultTable() {}

  static List<String> lines(Comparison comparison, double stopLoss) {
    var without = Published.WITHOUT;
    var with = Published.WITH;
    var rows = new SideBySide(comparison);
    var lines = new ArrayList<>(rows.head("the text"));
    lines.addAll(List.of(
        rows.row("stopping condition", trained -> "loss <= " + stopLoss, "loss < 0.12", "loss < 0.12"),
        rows.row("ended by", ResultTable::ending, "the condition", "the condition"),
        rows.row(VALIDATION_LOSS, "-", "0.1173"),
        rows.row(EPOCHS, "6", "4"),
        rows.row(ITERATIONS, "%,d".formatted(without.iterations()), "%,d".formatted(with.iterations())),
        rows.row("  to loss 0.5", trained -> iterationsTo(trained, 0.5), "-", "-"),
        rows.row("  to loss 0.25", trained -> iterationsTo(trained, 0.25), "-", "-"),
        rows.row(TIME, "17 s", "19 s"),
        rows.row(ITERATION_TIME, milliseconds(without), milliseconds(with)),
        rows.row(ACCURACY, percent(without), percent(with))));
    return lines;
  }

  private static String ending(Trained trained) {
    if (trained.runs().getFirst().iterations() == 0) {
      return "not trained";
    }
    if (trained.runs().size() > 1) {
      return "condition: %d of %d".formatted(trained.ended(Outcome.Stop.LOSS_REACHED), trained.runs().size());
    }
    return switch (trained.runs().getFirst().stop()) {
      case LOSS_REACHED -> "the condition";
      case EPOCHS_DONE -> "the last epoch";
      case DIVERGED -> "divergence";
    };
  }

  private static double lastValidationLoss(Outcome outcome) {
    return outcome.checkpoints().isEmpty() ? Double.NaN : outcome.checkpoints().getLast().validation().loss();
  }

  private static String iterationsTo(Trained trained, double loss) {
    if (trained.runs().getFirst().checkpoints().isEmpty()) {
      return "-";
    }
    var reached = trained.runs().stream()
        .map(outcome -> outcome.iterationsTo(loss))
        .filter(OptionalLong::isPresent)
        .count();
    if (reached < trained.runs().size()) {
      return trained.runs().size() > 1 ? "reached: %d of %d".formatted(reached, trained.runs().size()) : "not reached";
    }
    return new Measure("", "%,.0f", "", outcome -> outcome.iterationsTo(loss).getAsLong()).of(trained);
  }

  private static String milliseconds(Published published) {
    return "%.2f ms".formatted(published.millisecondsPerIteration());
  }

  private static String percent(Published published) {
    return "%.2f %%".formatted(100 * published.accuracy());
  }
}
