package dev.norma.benchmarks.run;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** A runner that is alive: a line is written to it, a line comes back. Its standard error goes to a log. */
final class RunnerProcess implements AutoCloseable {
  /**
   * For all runners alike: memory is recycled, also that of threads, and comes in transparent huge pages; the threads of
   * an OpenMP team stay on processors of their own, for Linux may leave two on one, spinning in turns.
   */
  private static final Map<String, String> ENVIRONMENT = Map.of(
      "GLIBC_TUNABLES",
      "glibc.malloc.arena_max=1:glibc.malloc.hugetlb=1:glibc.malloc.mmap_max=0:"
          + "glibc.malloc.trim_threshold=17179869184",
      "OMP_PROC_BIND",
      "true");

  /** How long a stop of the process may take to be noticed. */
  private static final long POLL_MILLIS = 50;

  /**
   * Ctrl-C ends runners too, perhaps before this process hears of it: that long after a runner's death it is not yet
   * known whether it failed.
   */
  private static final long DOUBT_MILLIS = 500;

  private static final long EXIT_SECONDS = 2;

  /** Never a line of an answer. */
  private static final String END = "\n";

  private final Process process;
  private final Writer commands;
  private final BlockingQueue<String> answers = new LinkedBlockingQueue<>();
  private final Interruption interruption;
  private final Thread logging;
  private final Idleness idleness;
  private volatile String lastError = "";

  RunnerProcess(List<String> command, Path folder, Path log, Interruption interruption) throws IOException {
    var builder = new ProcessBuilder(command).directory(folder.toFile());
    builder.environment().putAll(ENVIRONMENT);
    this.interruption = interruption;
    process = builder.start();
    idleness = new Idleness(process.pid());
    commands = process.outputWriter(StandardCharsets.UTF_8);
    Thread.ofVirtual().start(() -> forEachLine(process.getInputStream(), answers::add, () -> answers.add(END)));
    logging = Thread.ofVirtual().start(() -> log(log));
  }

  private static void forEachLine(InputStream stream, Consumer<String> action, Runnable end) {
    try (var lines = new BufferedReader(new InputStreamReader(stream, StandardCharsets.UTF_8))) {
      lines.lines().forEach(action);
    } catch (IOException | UncheckedIOException e) {
      // The process was ended while it wrote.
    } finally {
      end.run();
    }
  }

  private void log(Path file) {
    try (var writer = Files.newBufferedWriter(file, StandardOpenOption.CREATE, StandardOpenOption.APPEND)) {
      forEachLine(process.getErrorStream(), line -> log(writer, line), () -> {});
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void log(Writer writer, String line) {
    if (!line.isBlank()) {
      lastError = line.strip();
    }
    try {
      writer.write(line + "\n");
      writer.flush();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Sends a command and waits for its answer, and until the process is idle. */
  Answer ask(String command, Duration timeout) throws RunnerException, InterruptedException {
    try {
      commands.write(command + "\n");
      commands.flush();
    } catch (IOException e) {
      throw death();
    }
    var answer = answer(timeout);
    idleness.await();
    return answer;
  }

  /** Waits for an answer. */
  Answer answer(Duration timeout) throws RunnerException, InterruptedException {
    long start = System.nanoTime();
    while (System.nanoTime() - start < timeout.toNanos()) {
      interruption.check();
      String line = answers.poll(POLL_MILLIS, TimeUnit.MILLISECONDS);
      if (line != null) {
        if (line.equals(END)) {
          throw death();
        }
        return Answer.parse(line);
      }
    }
    close();
    throw new RunnerException("no answer within %d s".formatted(timeout.toSeconds()) + withLastError());
  }

  private RunnerException death() throws InterruptedException {
    TimeUnit.MILLISECONDS.sleep(DOUBT_MILLIS);
    interruption.check();
    boolean exited = process.waitFor(EXIT_SECONDS, TimeUnit.SECONDS);
    close();
    logging.join(Duration.ofSeconds(EXIT_SECONDS));
    String how = exited ? "exited with code " + process.exitValue() : "closed its standard output";
    return new RunnerException(how + withLastError());
  }

  private String withLastError() {
    return lastError.isEmpty() ? "" : ": " + lastError;
  }

  boolean isAlive() {
    return process.isAlive();
  }

  /** Ends its input, after which it is to exit. */
  void finish() {
    try {
      commands.close();
    } catch (IOException e) {
      // It has exited.
    }
  }

  /** Waits a little until it has exited by itself. */
  void awaitExit() throws InterruptedException {
    process.waitFor(EXIT_SECONDS, TimeUnit.SECONDS);
  }

  /** Ends it and what it started. */
  @Override
  public void close() {
    process.descendants().forEach(ProcessHandle::destroyForcibly);
    process.destroyForcibly();
  }
}
