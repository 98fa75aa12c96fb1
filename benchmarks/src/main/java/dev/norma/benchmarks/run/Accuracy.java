package dev.norma.benchmarks.run;

import dev.norma.DataType;
import dev.norma.Tensor;
import dev.norma.benchmarks.Case;
import dev.norma.benchmarks.ErrorRow;
import dev.norma.benchmarks.Normalization;
import dev.norma.benchmarks.Operation;
import dev.norma.benchmarks.Pass;
import dev.norma.benchmarks.Shape;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.SplittableRandom;

/**
 * How exact the implementations are: their outputs for inputs that are hard, against the formulas computed to 32 digits.
 * An error is the largest of a set of values that are normalized together, in units in the last place of the set's
 * largest exact value.
 */
public final class Accuracy {
  private static final long VALUES = 16 * 16 * 256;
  private static final long SEED = 1;
  private static final List<Pass> PASSES = List.of(Pass.FORWARD_TRAINING, Pass.BACKWARD_TRAINING);

  private final Settings settings;
  private final Interruption interruption;

  /**
   * A comparison that has not begun.
   *
   * @param settings which implementations and types
   * @param interruption ends it early
   */
  public Accuracy(Settings settings, Interruption interruption) {
    this.settings = settings;
    this.interruption = interruption;
  }

  /**
   * Compares all.
   *
   * @return a line for each operation, type, pass and input
   * @throws IOException if files cannot be written or read
   * @throws InterruptedException if it was interrupted
   */
  public List<ErrorRow> run() throws IOException, InterruptedException {
    var logs = Files.createDirectories(settings.out().resolve("runners"));
    var commands = new CommandTemplate(settings.root(), settings.python());
    var lines = new ArrayList<ErrorRow>();
    try (var participants = new Participants(Role.of(settings.implementations()).stream()
            .filter(role -> !role.blocked())
            .map(role -> new Participant(role, commands, settings.root(), logs, interruption))
            .toList());
        var data = new DataFolder(VALUES * Double.BYTES, Memory::available)) {
      participants.start();
      for (var operation : settings.operations()) {
        for (var type : settings.types()) {
          for (var pass : PASSES) {
            for (var input : HardInput.values()) {
              var each = new Case(operation, pass, type, Registry.NCHW, shape(operation), 1);
              lines.add(new ErrorRow(type, input.toString(), operation, pass, errors(each, input, participants, data)));
            }
          }
        }
      }
      participants.finish();
    }
    return lines;
  }

  private static Shape shape(Operation operation) {
    return switch (operation.normalization()) {
      case BATCH -> new Shape("", "", 16, 16, 256, 1);
      case LAYER -> new Shape("", "", Normalization.LAYER, 16, 4096, 1, 1, 1);
      case GROUP -> new Shape("", "", Normalization.GROUP, 16, 16, 256, 4, 1);
      case INSTANCE -> new Shape("", "", Normalization.INSTANCE, 16, 16, 256, 16, 1);
    };
  }

  private static Map<String, OptionalDouble> errors(
      Case each, HardInput hard, Participants participants, DataFolder data) throws IOException, InterruptedException {
    var errors = new LinkedHashMap<String, OptionalDouble>();
    try (var inputs = new Inputs(data.inputs(), each)) {
      var members = Members.of(inputs);
      fill(inputs.x, members, hard);
      var expected = exact(each.pass(), inputs, members);
      for (var participant : participants.all()) {
        errors.put(participant.role().name(), error(participant, each, inputs.x, members, expected, data));
      }
    } finally {
      data.clear(data.inputs());
    }
    return errors;
  }

  private static void fill(Tensor x, Members members, HardInput hard) {
    var random = new SplittableRandom(SEED);
    for (long[] set : members.index()) {
      for (int i = 0; i < set.length; i++) {
        x.set(set[i], hard.x(x.dataType(), i, random));
      }
    }
  }

  private static double[][] exact(Pass pass, Inputs inputs, Members members) {
    var sets = new double[inputs.sets().count()][];
    for (int set = 0; set < sets.length; set++) {
      var exact = new ExactSet(members.values(inputs.x, set), members.parameters(inputs.gamma, set), Inputs.EPSILON,
          inputs.operation().hasMean());
      sets[set] = pass == Pass.FORWARD_TRAINING
          ? exact.y(members.parameters(inputs.beta, set))
          : exact.dx(members.values(inputs.dy, set));
    }
    return sets;
  }

  private static OptionalDouble error(
      Participant participant, Case each, Tensor like, Members members, double[][] expected, DataFolder data)
      throws IOException, InterruptedException {
    participant.start();
    var part = participant.role().part(each);
    if (participant.missing().isPresent() || part.isEmpty()) {
      return OptionalDouble.empty();
    }
    try {
      var answer = participant.prepare(part.get(), data.inputs(), Optional.of(data.outputs()));
      if (answer.is("unsupported")) {
        return OptionalDouble.empty();
      }
      double error = error(data.outputs().resolve(each.outputs().getFirst()), like, members, expected);
      participant.release();
      return OptionalDouble.of(error);
    } catch (RunnerException e) {
      return OptionalDouble.empty();
    } finally {
      data.clear(data.outputs());
    }
  }

  private static double error(Path file, Tensor like, Members members, double[][] expected) throws IOException {
    try (var arena = Arena.ofConfined(); var opened = FileChannel.open(file)) {
      var segment = opened.map(FileChannel.MapMode.READ_ONLY, 0, like.segment().byteSize(), arena);
      var actual = Tensor.of(segment, like.dataType(), like.layout(), like.extents());
      double worst = 0;
      for (int set = 0; set < expected.length; set++) {
        worst = Math.max(worst, error(members.values(actual, set), expected[set], like.dataType()));
      }
      return worst;
    }
  }

  private static double error(double[] actual, double[] expected, DataType type) {
    double largest = 0;
    double worst = 0;
    for (int i = 0; i < expected.length; i++) {
      largest = Math.max(largest, Math.abs(expected[i]));
      double distance = Math.abs(actual[i] - expected[i]);
      worst = distance <= Double.MAX_VALUE ? Math.max(worst, distance) : Double.POSITIVE_INFINITY;
    }
    return worst / OutputCheck.ulp(type, largest);
  }
}
