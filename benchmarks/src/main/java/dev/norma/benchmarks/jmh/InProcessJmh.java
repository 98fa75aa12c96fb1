package dev.norma.benchmarks.jmh;

import dev.norma.benchmarks.Pass;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/** Runs of JMH in this process, each of one benchmark for one measurement. */
final class InProcessJmh {
  private static final int WARM_UP_SHARE = 10;

  /** Of a measurement: the median of their means does not see what disturbs one of them. */
  private static final int MOST_PARTS = 5;

  /**
   * What a run says.
   *
   * @param nanoseconds of a call: the median of the parts' means
   * @param bytes that a call allocated on the heap
   */
  record Result(double nanoseconds, double bytes) {}

  private InProcessJmh() {}

  /** Says how JMH is to run in this process; to be called before the first run. */
  static void set() {
    LastingWorker.install();
    System.setProperty("jmh.ignoreLock", "true"); // Runners live side by side; only one computes at a time.
  }

  /**
   * Measures the held object.
   *
   * @param nanoseconds how long, after a tenth of it to warm up
   * @param call about how long one takes, in nanoseconds
   */
  static Result run(Class<? extends BatchNormBenchmark> implementation, Pass pass, long nanoseconds, long call) {
    int parts = Math.clamp(nanoseconds / Math.max(1, call), 1, MOST_PARTS);
    var options = new OptionsBuilder()
        .include("^" + Pattern.quote(implementation.getName() + "." + BatchNormBenchmark.method(pass)) + "$")
        .forks(0)
        .warmupIterations(1)
        .warmupTime(TimeValue.nanoseconds(Math.ceilDiv(nanoseconds, WARM_UP_SHARE)))
        .measurementIterations(parts)
        .measurementTime(TimeValue.nanoseconds(Math.ceilDiv(nanoseconds, parts)))
        .syncIterations(false)
        .timeUnit(TimeUnit.NANOSECONDS)
        .shouldFailOnError(true)
        .verbosity(VerboseMode.SILENT)
        .build();
    try {
      var result = new Runner(options).runSingle();
      var last = List.copyOf(result.getAggregatedResult().getIterationResults()).getLast();
      return new Result(
          result.getPrimaryResult().getStatistics().getPercentile(50),
          (double) BatchNormBenchmark.heapBytes() / last.getMetadata().getAllOps());
    } catch (RunnerException e) {
      throw new IllegalStateException(thrownByBenchmark(e));
    }
  }

  /** JMH keeps what a benchmark threw beside its own exceptions, not as their cause. */
  private static Throwable thrownByBenchmark(RunnerException e) {
    return e.getCause() != null && e.getCause().getSuppressed().length > 0 ? e.getCause().getSuppressed()[0] : e;
  }
}
