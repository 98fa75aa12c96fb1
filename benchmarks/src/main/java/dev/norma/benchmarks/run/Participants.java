package dev.norma.benchmarks.run;

import dev.norma.benchmarks.Case;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;

/** All runners of a run. */
final class Participants implements AutoCloseable {
  private final List<Participant> all;

  Participants(List<Participant> all) {
    this.all = all;
  }

  List<Participant> all() {
    return all;
  }

  /** Those that have a part in a case and are not missing. */
  List<Participant> in(Case each) {
    return all.stream()
        .filter(participant -> participant.missing().isEmpty() && participant.role().part(each).isPresent())
        .toList();
  }

  /** Starts all at the same time, since most of them take seconds. */
  void start() throws InterruptedException {
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      var starts = threads.invokeAll(all.stream().map(Participants::start).toList());
      for (var start : starts) {
        start.get();
      }
    } catch (ExecutionException e) {
      if (e.getCause() instanceof InterruptedException interrupted) {
        throw interrupted;
      }
      throw new IllegalStateException(e.getCause());
    }
  }

  private static Callable<Void> start(Participant participant) {
    return () -> {
      participant.start();
      return null;
    };
  }

  /** Lets all exit by themselves. */
  void finish() throws InterruptedException {
    all.forEach(Participant::finish);
    for (var participant : all) {
      participant.awaitExit();
    }
  }

  /** Ends what still runs. */
  @Override
  public void close() {
    all.forEach(Participant::close);
  }
}
