package dev.norma.benchmarks.jmh;

import dev.norma.benchmarks.Case;
import dev.norma.benchmarks.Normalization;
import dev.norma.benchmarks.Operation;
import dev.norma.benchmarks.Pass;
import dev.norma.benchmarks.Shape;
import java.io.BufferedReader;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.function.Supplier;

/**
 * The runner of all implementations in Java: speaks the protocol of the benchmarks and measures with JMH, in this
 * process, so that what {@code prepare} warmed up stays warm from round to round. Everything happens on one thread.
 */
public final class JmhRunner {
  /** Enough for the JIT compilers to come to their last word on what is called. */
  private static final long WARM_UP = 300_000_000;


  /** Calls are warm when so many times in a row they took no less than this share of their least time. */
  private static final int WARM_REPEATS = 3;

  private static final double WARM_SHARE = 0.95;
  private static final long MOST_WARM_UP = 1_000_000_000;

  private static final long LEAST_TIME = 5_000_000;
  private static final int LEAST_CALLS = 2;

  private final Class<? extends BatchNormBenchmark> implementation;
  private final Set<Kind> warm = new HashSet<>();
  private Case measured;
  private BatchNormBenchmark prepared;

  /** About how long a call of what is prepared takes, in nanoseconds. */
  private long call;

  /** What is compiled apart from what: cases of one kind share their code. */
  private record Kind(Operation operation, Pass pass, String type, String layout) {}

  private JmhRunner(Class<? extends BatchNormBenchmark> implementation) {
    this.implementation = implementation;
  }

  /**
   * Answers commands until the input ends.
   *
   * @param args the simple name of a subclass of {@link BatchNormBenchmark} in this package
   * @throws IOException if no command can be read
   * @throws InterruptedException never
   */
  public static void main(String[] args) throws IOException, InterruptedException {
    var answers = new PrintStream(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8);
    System.setOut(System.err); // Nothing that libraries print may get between the answers.
    if (args.length != 1) {
      System.err.println("JmhRunner needs one argument, the name of an implementation such as NormaJava");
      System.exit(2);
    }
    InProcessJmh.set();
    serve(args[0], new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8)), answers);
  }

  private static void serve(String name, BufferedReader commands, PrintStream answers)
      throws IOException, InterruptedException {
    JmhRunner runner;
    try {
      var implementation =
          Class.forName(JmhRunner.class.getPackageName() + "." + name).asSubclass(BatchNormBenchmark.class);
      runner = new JmhRunner(implementation);
      answers.println("ready," + LastingWorker.call(() -> runner.create().version()));
    } catch (ClassNotFoundException | ExecutionException e) {
      answers.println("missing," + oneLine(e));
      return;
    }
    for (var line = commands.readLine(); line != null; line = commands.readLine()) {
      answers.println(runner.answer(List.of(line.split(",", -1))));
    }
  }

  private BatchNormBenchmark create() throws ReflectiveOperationException {
    return implementation.getConstructor().newInstance();
  }

  private String answer(List<String> command) throws InterruptedException {
    try {
      return switch (command.getFirst()) {
        case "prepare" -> prepare(PrepareCommand.of(command));
        case "time" -> time(command);
        case "release" -> release();
        default -> throw new IllegalArgumentException(
            "a command is prepare, time or release, not '" + command.getFirst() + "'");
      };
    } catch (ExecutionException | RuntimeException e) {
      return (e.getCause() instanceof UnsupportedOperationException ? "unsupported," : "failed,") + oneLine(e);
    }
  }

  private String prepare(PrepareCommand command) throws ExecutionException, InterruptedException {
    release();
    measured = command.measured();
    try {
      warmUp();
      hold(measured, () -> Inputs.in(command.inputs(), measured));
      return LastingWorker.call(() -> {
        call = repeatUntilWarm();
        command.outputs().ifPresent(this::writeOutputs);
        return "prepared," + call;
      });
    } catch (ExecutionException | RuntimeException e) {
      release();
      throw e;
    }
  }

  private void hold(Case held, Supplier<Inputs> inputs) throws ExecutionException, InterruptedException {
    LastingWorker.call(() -> {
      prepared = create();
      prepared.prepare(held, inputs.get());
      return prepared;
    });
    BatchNormBenchmark.hold(prepared);
  }

  /**
   * Has the code of a kind compiled, by JMH, for what is timed later is compiled with the code that JMH wraps around it,
   * and by many short calls: what is compiled in the middle of a long one may stay slower for good.
   */
  private void warmUp() throws ExecutionException, InterruptedException {
    if (warm.add(new Kind(measured.operation(), measured.pass(), measured.type(), measured.layout()))) {
      var small = new Case(measured.operation(), measured.pass(), measured.type(), measured.layout(),
          small(measured.operation()), measured.threads());
      hold(small, () -> Inputs.random(small));
      InProcessJmh.run(implementation, measured.pass(), WARM_UP, WARM_UP);
      release();
    }
  }

  private static Shape small(Operation operation) {
    return switch (operation.normalization()) {
      case BATCH -> new Shape("", "", 4, 16, 256, 1);
      case LAYER -> new Shape("", "", Normalization.LAYER, 16, 1024, 1, 1, 1);
      case GROUP -> new Shape("", "", Normalization.GROUP, 4, 16, 256, 4, 1);
      case INSTANCE -> new Shape("", "", Normalization.INSTANCE, 4, 16, 256, 16, 1);
    };
  }

  /**
   * Until calls get no faster: a shape may need other code than the last one of its kind, and memory that the allocator
   * has yet to get. Returns how long one takes, in nanoseconds.
   */
  private long repeatUntilWarm() {
    var start = System.nanoTime();
    var least = repeat();
    for (var repeats = 0; repeats < WARM_REPEATS && System.nanoTime() - start < MOST_WARM_UP; repeats++) {
      var now = repeat();
      if (now < WARM_SHARE * least) {
        repeats = -1;
      }
      least = Math.min(least, now);
    }
    return least;
  }

  /** A few calls. Returns how long one takes, in nanoseconds. */
  private long repeat() {
    var start = System.nanoTime();
    for (var calls = 1; ; calls++) {
      prepared.call(measured.pass());
      var elapsed = System.nanoTime() - start;
      if (elapsed >= LEAST_TIME && calls >= LEAST_CALLS) {
        return elapsed / calls;
      }
    }
  }

  private void writeOutputs(Path folder) {
    for (var name : measured.outputs()) {
      write(folder.resolve(name), prepared.output(name));
    }
  }

  private static void write(Path file, MemorySegment array) {
    try (var arena = Arena.ofConfined();
        var channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      channel.map(MapMode.READ_WRITE, 0, array.byteSize(), arena).copyFrom(array);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write %s (%s)".formatted(file, e.getClass().getSimpleName()), e);
    }
  }

  private String time(List<String> command) {
    if (prepared == null) {
      throw new IllegalStateException("time needs a prepare before it");
    }
    if (command.size() != 3 || !command.get(1).matches("\\d+")) {
      throw new IllegalArgumentException("time must be time,ROUND,NS, not '" + String.join(",", command) + "'");
    }
    long nanoseconds = PrepareCommand.positive("NS", command.get(2));
    var result = InProcessJmh.run(implementation, measured.pass(), nanoseconds, call);
    var shape = measured.shape();
    return String.format(Locale.ROOT, "%s,%s,%s,%s,%d,%d,%d,%d,%d,%s,%.1f,%.1f", measured.operation(), measured.pass(),
        measured.type(), measured.layout(), shape.batch(), shape.channels(), shape.spatial(), shape.groups(),
        measured.threads(), command.get(1), result.nanoseconds(), result.bytes());
  }

  private String release() throws ExecutionException, InterruptedException {
    BatchNormBenchmark.hold(null);
    if (prepared != null) {
      var released = prepared;
      prepared = null;
      LastingWorker.call(() -> {
        released.release();
        return null;
      });
    }
    return "released";
  }

  /** What went wrong first, in one line. */
  private static String oneLine(Throwable thrown) {
    var cause = thrown;
    while (cause.getCause() != null && !(cause instanceof UncheckedIOException)) {
      cause = cause.getCause();
    }
    var isClear = cause instanceof RuntimeException && cause.getMessage() != null;
    return (isClear ? cause.getMessage() : cause.toString()).replaceAll("\\s*\\R\\s*", " ");
  }
}
