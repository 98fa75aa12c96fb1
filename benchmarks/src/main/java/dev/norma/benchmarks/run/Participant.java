package dev.norma.benchmarks.run;

import dev.norma.benchmarks.Case;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalDouble;

/** A runner through a whole run: its process is started, asked, and after its death started again for the next case. */
final class Participant implements AutoCloseable {
  private static final Duration START = Duration.ofMinutes(2);
  private static final Duration ANSWER = Duration.ofMinutes(10);
  private static final int MOST_DEATHS = 4;

  private final Role role;
  private final CommandTemplate commands;
  private final Path root;
  private final Path log;
  private final Interruption interruption;
  private Optional<RunnerProcess> process = Optional.empty();
  private Optional<String> missing = Optional.empty();
  private String version = "";
  private int deaths;

  Participant(Role role, CommandTemplate commands, Path root, Path logs, Interruption interruption) {
    this.role = role;
    this.commands = commands;
    this.root = root;
    this.log = logs.resolve(role.name() + ".log");
    this.interruption = interruption;
  }

  /**
   * What a turn gave.
   *
   * @param nanoseconds mean time of a call
   * @param heapBytes that a call allocated on a managed heap, where there is one
   */
  record Turn(double nanoseconds, OptionalDouble heapBytes) {}

  Role role() {
    return role;
  }

  /** What the runner said it is, empty if it said nothing. */
  String version() {
    return version;
  }

  /** Why it cannot take part any more. */
  Optional<String> missing() {
    return missing;
  }

  /** Starts the process if none is alive; afterwards it is ready, or missing. */
  void start() throws InterruptedException {
    if (missing.isPresent() || process.filter(RunnerProcess::isAlive).isPresent()) {
      return;
    }
    try {
      var command = commands.fill(role.implementation().command());
      process = Optional.of(new RunnerProcess(command, root, log, interruption));
      var answer = process.get().answer(START);
      if (answer.is("ready")) {
        version = answer.rest();
      } else if (answer.is("missing")) {
        missing = Optional.of(answer.rest());
      } else {
        throw answer.unexpected("ready or missing");
      }
    } catch (RunnerException | IOException e) {
      missing = Optional.of(e.getMessage());
    }
    if (missing.isPresent()) {
      close();
    }
  }

  /** The answer {@code prepared} with the time of a call, or {@code unsupported} with a reason. */
  Answer prepare(Case part, Path inputs, Optional<Path> outputs) throws RunnerException, InterruptedException {
    var answer = ask("prepare,%s,%s,%s".formatted(
        describe(part), inputs, outputs.map(Path::toString).orElse("")));
    if (answer.is("unsupported")) {
      return answer;
    }
    require(answer, "prepared");
    number(answer.rest(), answer);
    return answer;
  }

  Turn time(Case part, int round, long nanoseconds) throws RunnerException, InterruptedException {
    var answer = ask("time,%d,%d".formatted(round, nanoseconds));
    String expected = describe(part) + "," + round + ",";
    if (!answer.toString().startsWith(expected)) {
      throw unexpected(answer, expected + "...");
    }
    var fields = answer.toString().substring(expected.length()).split(",", -1);
    boolean hasHeap = fields.length > 1 && !fields[1].isBlank();
    return new Turn(
        number(fields[0], answer),
        hasHeap ? OptionalDouble.of(number(fields[1], answer)) : OptionalDouble.empty());
  }

  void release() throws RunnerException, InterruptedException {
    require(ask("release"), "released");
  }

  /** OPERATION,PASS,TYPE,LAYOUT,N,C,S,GROUPS,THREADS. */
  private String describe(Case part) {
    var shape = part.shape();
    return "%s,%s,%s,%s,%d,%d,%d,%d,%d".formatted(part.operation(), part.pass(), part.type(), part.layout(),
        shape.batch(), shape.channels(), shape.spatial(), shape.groups(), role.threads(part));
  }

  private Answer ask(String command) throws RunnerException, InterruptedException {
    try {
      return process.orElseThrow().ask(command, ANSWER);
    } catch (RunnerException e) {
      deaths++;
      if (deaths == MOST_DEATHS) {
        missing = Optional.of("given up after %d failures, the last: %s".formatted(deaths, e.getMessage()));
      }
      throw e;
    }
  }

  private void require(Answer answer, String word) throws RunnerException {
    if (!answer.is(word)) {
      throw unexpected(answer, word);
    }
  }

  private double number(String text, Answer answer) throws RunnerException {
    try {
      return Double.parseDouble(text);
    } catch (NumberFormatException e) {
      throw unexpected(answer, "a number in place of '" + text + "'");
    }
  }

  /** After a failure that it tells of it can be asked again; after anything else it is not known what it does. */
  private RunnerException unexpected(Answer answer, String expected) {
    if (!answer.is("failed")) {
      close();
    }
    return answer.unexpected(expected);
  }

  /** Ends the process and with it what memory it keeps; {@link #start} makes another. */
  @Override
  public void close() {
    process.ifPresent(RunnerProcess::close);
    process = Optional.empty();
  }

  /** Ends the input of the process. */
  void finish() {
    process.ifPresent(RunnerProcess::finish);
  }

  /** Gives the process a little time to exit by itself. */
  void awaitExit() throws InterruptedException {
    if (process.isPresent()) {
      process.get().awaitExit();
    }
  }
}
