package dev.norma.benchmarks.run;

import dev.norma.benchmarks.Case;
import dev.norma.benchmarks.Implementation;
import dev.norma.benchmarks.Operation;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Optional;
import java.util.TreeSet;
import java.util.function.DoubleConsumer;
import java.util.function.LongSupplier;

/** Measures cases: all runners are prepared and checked, then take turns. */
final class Turns {
  /** What a runner holds of a case, in tensors, at most: NumPy has seven at a time in a backward pass. */
  private static final int TENSORS_OF_RUNNER = 7;

  /** With a residual oneDNN has eleven in the blocked layout: y, and five that are there in both orders. */
  private static final int TENSORS_OF_RUNNER_WITH_RESIDUAL = 11;

  /** Of 16 bits PyTorch has nine in RMS normalization: three, and three of floats. */
  private static final int TENSORS_OF_RUNNER_OF_RMS = 9;

  private final Participants participants;
  private final DataFolder data;
  private final Results results;
  private final Schedule schedule;
  private final LongSupplier availableMemory;
  private final long memory;
  private final TreeSet<String> slow = new TreeSet<>();

  /** To be made before runners have memory of their own. */
  Turns(
      Participants participants, DataFolder data, Results results, Schedule schedule, LongSupplier availableMemory) {
    this.participants = participants;
    this.data = data;
    this.results = results;
    this.schedule = schedule;
    this.availableMemory = availableMemory;
    memory = availableMemory.getAsLong();
  }

  /** A runner in a case. */
  private static final class Entry {
    final Participant participant;
    final Case part;
    boolean slow;
    boolean out;
    double error;

    Entry(Participant participant, Case part) {
      this.participant = participant;
      this.part = part;
    }
  }

  /** Those that had fewer rounds in some case, since their calls take long. */
  TreeSet<String> slow() {
    return slow;
  }

  /** How much memory a case lacks to be run at all; empty if nothing. */
  Optional<String> lack(Case each) throws IOException {
    long files = DataFolder.bytes(each);
    long needed = files + bytesOfExpected(each) + bytesOfRunner(each);
    if (needed > memory) {
      return Optional.of("needs %s, %s are free".formatted(Memory.text(needed), Memory.text(memory)));
    }
    return files > data.room()
        ? Optional.of("needs %s for files, %s are free".formatted(Memory.text(files), Memory.text(data.room())))
        : Optional.empty();
  }

  /** dx, or y; and the gradient of a residual. */
  private static long bytesOfExpected(Case each) {
    return (each.operation().hasResidual() ? 2 : 1) * each.tensorBytes();
  }

  private static long bytesOfRunner(Case each) {
    return tensorsOfRunner(each.operation()) * each.tensorBytes();
  }

  private static int tensorsOfRunner(Operation operation) {
    if (operation == Operation.RMS_NORM) {
      return TENSORS_OF_RUNNER_OF_RMS;
    }
    return operation.hasResidual() ? TENSORS_OF_RUNNER_WITH_RESIDUAL : TENSORS_OF_RUNNER;
  }

  /** Says of every runner that a case lacks something. */
  void skip(Case each, String why) throws IOException {
    for (var participant : participants.in(each)) {
      results.addNone(participant, participant.role().part(each).orElseThrow(), "unsupported", why);
    }
  }

  /** Measures a case whose inputs are in the folder of the data; {@code progress} is told the share that is done. */
  void run(Case each, Expected expected, DoubleConsumer progress)
      throws IOException, InterruptedException {
    var entries = new ArrayList<Entry>();
    for (var participant : participants.in(each)) {
      entries.add(new Entry(participant, participant.role().part(each).orElseThrow()));
    }
    boolean together = entries.size() * bytesOfRunner(each) <= memory / 2;
    int done = 0;
    for (var entry : entries) {
      attempt(entry, () -> check(entry, expected, together));
      done++;
      progress.accept((double) done / entries.size() / (schedule.rounds() + 1));
    }
    for (int round = 0; round < schedule.rounds(); round++) {
      for (var entry : Schedule.order(entries, round)) {
        int now = round;
        if (schedule.hasTurn(round, entry.slow)) {
          attempt(entry, () -> turn(entry, now, together));
        }
      }
      progress.accept((round + 2.0) / (schedule.rounds() + 1));
    }
    if (together) {
      for (var entry : entries) {
        attempt(entry, entry.participant::release);
      }
    }
  }

  private interface Step {
    void run() throws RunnerException, IOException, InterruptedException;
  }

  /** A runner that fails is out of the case; the others go on. */
  private void attempt(Entry entry, Step step) throws IOException, InterruptedException {
    if (entry.out) {
      return;
    }
    try {
      step.run();
    } catch (RunnerException e) {
      entry.out = true;
      results.addNone(entry.participant, entry.part, "failed", e.getMessage());
    }
    if (entry.participant.missing().isPresent()) {
      entry.out = true;
      results.addMissing(entry.participant, entry.participant.missing().get());
    }
  }

  /** Prepares a runner and compares what it computes with what is expected, before it is timed. */
  private void check(Entry entry, Expected expected, boolean together)
      throws RunnerException, IOException, InterruptedException {
    if (!together) {
      makeRoom(entry);
    }
    entry.participant.start();
    if (entry.participant.missing().isPresent()) {
      return;
    }
    var answer = entry.participant.prepare(entry.part, data.inputs(), Optional.of(data.outputs()));
    if (answer.is("unsupported")) {
      entry.out = true;
      results.addNone(entry.participant, entry.part, "unsupported", answer.rest());
      return;
    }
    boolean isLimit = entry.participant.role().implementation().kind() == Implementation.Kind.LIMIT;
    var check = OutputCheck.of(data.outputs(), isLimit ? expected.ofLimit() : expected.outputs());
    data.clear(data.outputs());
    entry.error = check.error();
    if (check.mismatch().isPresent()) {
      entry.out = true;
      results.addWrong(entry.participant, entry.part, check.error(), check.mismatch().get());
    }
    if (entry.out || !together) {
      entry.participant.release();
    }
    entry.slow = schedule.isSlow(Double.parseDouble(answer.rest()));
    if (entry.slow && !entry.out) {
      slow.add(entry.participant.role().implementation().name());
    }
  }

  private void turn(Entry entry, int round, boolean together)
      throws RunnerException, IOException, InterruptedException {
    if (!together) {
      makeRoom(entry);
      entry.participant.start();
      entry.participant.prepare(entry.part, data.inputs(), Optional.empty());
    }
    var turn = entry.participant.time(entry.part, round, schedule.turnNanoseconds());
    results.addTurn(entry.participant, entry.part, round, turn, entry.error);
    if (!together) {
      entry.participant.release();
    }
  }

  /** Processes keep the memory that they release; those that wait are ended until the next one fits. */
  private void makeRoom(Entry entry) {
    long needed = bytesOfRunner(entry.part);
    for (var participant : participants.all()) {
      if (availableMemory.getAsLong() < needed && participant != entry.participant) {
        participant.close();
      }
    }
  }
}
