package dev.norma.benchmarks.run;

import dev.norma.benchmarks.Case;
import dev.norma.benchmarks.Implementation;
import dev.norma.benchmarks.Pass;
import dev.norma.benchmarks.Row;
import dev.norma.benchmarks.RunInfo;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A run: runners are started; for each case inputs are made, what is expected is computed, and the runners are checked
 * and take turns. Whatever ends it, what was measured stands in the folder of the results.
 */
public final class Bench {
  private final Settings settings;
  private final Plan plan;
  private final Schedule schedule;
  private final Estimate estimate;
  private final Interruption interruption;
  private final LongSupplier availableMemory;
  private final String start = Instant.now().truncatedTo(ChronoUnit.SECONDS).toString();
  private final String commit;
  private final Map<String, String> machine = Machine.facts();
  private final Map<String, String> versions = new LinkedHashMap<>();
  private final List<String> notes = new ArrayList<>();

  /**
   * What a run gave.
   *
   * @param info about it
   * @param rows of results.csv
   * @param normaIsWrong whether an implementation of Norma computed something wrong
   */
  public record Outcome(RunInfo info, List<Row> rows, boolean normaIsWrong) {}

  /**
   * A run that has not begun.
   *
   * @param settings what to run
   * @param interruption ends it early
   */
  public Bench(Settings settings, Interruption interruption) {
    this(settings, interruption, Memory::available);
  }

  Bench(Settings settings, Interruption interruption, LongSupplier availableMemory) {
    this.settings = settings;
    this.interruption = interruption;
    this.availableMemory = availableMemory;
    commit = Machine.commit(settings.root());
    plan = Plan.of(settings);
    schedule = new Schedule(settings.rounds(), settings.turnNanoseconds());
    estimate = new Estimate(plan, schedule);
  }

  /**
   * Says what will run and how long that takes.
   *
   * @return lines of label and text
   */
  public Map<String, String> description() {
    var lines = new LinkedHashMap<String, String>();
    lines.put("shapes", distinct(Case::shape)
        .collect(Collectors.groupingBy(shape -> shape.set(), LinkedHashMap::new, Collectors.counting()))
        .entrySet().stream()
        .map(set -> set.getValue() + " of " + set.getKey())
        .collect(Collectors.joining(", ")));
    lines.put("cases", "%d: %s; %s; %s; %s; threads %s".formatted(
        plan.cases().size(), join(distinct(Case::operation).toList()), join(distinct(Case::pass).toList()),
        join(settings.types()), join(distinct(Case::layout).toList()), join(settings.threads())));
    lines.put("runners", join(settings.implementations().stream().map(Implementation::name).toList()));
    lines.put("turns", "%d rounds of %d ms for each runner and case".formatted(
        settings.rounds(), settings.turnNanoseconds() / 1_000_000));
    lines.put("time", "about " + Estimate.text(estimate.total()));
    return lines;
  }

  private <T> Stream<T> distinct(Function<Case, T> field) {
    return plan.cases().stream().map(field).distinct();
  }

  private static String join(List<?> values) {
    return values.stream().map(Object::toString).collect(Collectors.joining(", "));
  }

  /**
   * Runs everything.
   *
   * @param err for progress
   * @return what was measured; all of it unless the run was interrupted
   * @throws IOException if files cannot be written or read
   */
  public Outcome run(PrintWriter err) throws IOException {
    var logs = Files.createDirectories(settings.out().resolve("runners"));
    info().write(settings.out());
    try (var results = new Results(settings.out())) {
      try (var participants = participants(logs);
          var data = new DataFolder(mostBytes(), availableMemory)) {
        measure(participants, data, results, err);
      } finally {
        info().write(settings.out());
      }
      var own = settings.implementations().stream()
          .filter(each -> each.kind() == Implementation.Kind.NORMA)
          .toList();
      return new Outcome(info(), results.rows(), results.isWrong(own));
    }
  }

  private RunInfo info() {
    return new RunInfo(settings.command(), commit, start, machine, settings.implementations(),
        new LinkedHashMap<>(versions), List.copyOf(notes), settings.rounds(), settings.turnNanoseconds());
  }

  private Participants participants(Path logs) {
    var commands = new CommandTemplate(settings.root(), settings.python());
    return new Participants(plan.roles().stream()
        .map(role -> new Participant(role, commands, settings.root(), logs, interruption))
        .toList());
  }

  private long mostBytes() {
    return plan.cases().stream().mapToLong(DataFolder::bytes).max().orElse(0);
  }

  private void measure(Participants participants, DataFolder data, Results results, PrintWriter err)
      throws IOException {
    var turns = new Turns(participants, data, results, schedule, availableMemory);
    try (var progress = new Progress(estimate, plan.cases().size(), err)) {
      try {
        start(participants, results);
        for (int next = 0; next < plan.cases().size(); ) {
          next += measureSharing(next, turns, data, progress);
        }
        participants.finish();
      } catch (InterruptedException e) {
        notes.add("interrupted after %d of %d cases".formatted(progress.casesDone(), plan.cases().size()));
      }
    }
    if (!turns.slow().isEmpty()) {
      notes.add("%s: %d rounds instead of %d in cases where a call takes longer than %d turns".formatted(
          String.join(", ", turns.slow()), Schedule.SLOW_ROUNDS, settings.rounds(), Schedule.SLOW_TURNS));
    }
  }

  private void start(Participants participants, Results results) throws IOException, InterruptedException {
    participants.start();
    var said = new HashSet<String>();
    for (var participant : participants.all()) {
      String name = participant.role().implementation().name();
      if (participant.missing().isEmpty()) {
        versions.put(name, participant.version());
      } else if (said.add(name)) {
        results.addMissing(participant, participant.missing().get());
      }
    }
  }

  /** Measures the cases from one on that share its inputs; how many these are. */
  private int measureSharing(int first, Turns turns, DataFolder data, Progress progress)
      throws IOException, InterruptedException {
    var model = plan.cases().get(first);
    var cases = plan.cases().subList(first, plan.cases().size()).stream()
        .takeWhile(each -> Plan.shareInputs(model, each))
        .toList();
    interruption.check();
    var lack = turns.lack(model);
    if (lack.isPresent()) {
      for (var each : cases) {
        turns.skip(each, lack.get());
        progress.done(each);
      }
      return cases.size();
    }
    progress.at(model, 0);
    try (var inputs = new Inputs(data.inputs(), model)) {
      var sums = new SetSums(inputs);
      for (var pass : cases.stream().map(Case::pass).distinct().toList()) {
        measurePass(pass, cases, inputs, sums, turns, progress);
      }
    }
    data.clear(data.inputs());
    return cases.size();
  }

  private void measurePass(
      Pass pass, List<Case> cases, Inputs inputs, SetSums sums, Turns turns, Progress progress)
      throws IOException, InterruptedException {
    interruption.check();
    try (var expected = new Expected(pass, inputs, sums)) {
      for (var each : cases) {
        if (each.pass() == pass) {
          turns.run(each, expected, share -> progress.at(each, share));
          progress.done(each);
        }
      }
    }
  }
}
