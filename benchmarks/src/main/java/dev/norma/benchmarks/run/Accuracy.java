package dev.norma.benchmarks.run;

import dev.norma.DataType;
import dev.norma.Tensor;
import dev.norma.benchmarks.Case;
import dev.norma.benchmarks.ErrorRow;
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
 * An error is the largest of a channel, in units in the last place of the channel's largest exact value.
 */
public final class Accuracy {
  private static final Shape SHAPE = new Shape("", "", 16, 16, 256, 1);
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
   * @return a line for each type, pass and input
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
        var data = new DataFolder(SHAPE.size() * Double.BYTES, Memory::available)) {
      participants.start();
      for (var type : settings.types()) {
        for (var pass : PASSES) {
          for (var input : HardInput.values()) {
            var each = new Case(Operation.BATCH_NORM, pass, type, Registry.NCHW, SHAPE, 1);
            lines.add(new ErrorRow(type, input.toString(), pass, errors(each, input, participants, data)));
          }
        }
      }
      participants.finish();
    }
    return lines;
  }

  private static Map<String, OptionalDouble> errors(
      Case each, HardInput hard, Participants participants, DataFolder data) throws IOException, InterruptedException {
    var errors = new LinkedHashMap<String, OptionalDouble>();
    try (var inputs = new Inputs(data.inputs(), each)) {
      fill(inputs.x, hard);
      var expected = exact(each.pass(), inputs);
      for (var participant : participants.all()) {
        errors.put(participant.role().name(), error(participant, each, inputs.x, expected, data));
      }
    } finally {
      data.clear(data.inputs());
    }
    return errors;
  }

  private static void fill(Tensor x, HardInput hard) {
    var random = new SplittableRandom(SEED);
    int spatial = Math.toIntExact(x.spatial());
    for (int c = 0; c < x.channels(); c++) {
      for (int i = 0; i < x.batch() * spatial; i++) {
        x.set(x.index(i / spatial, c, i % spatial), hard.x(x.dataType(), i, random));
      }
    }
  }

  private static double[][] exact(Pass pass, Inputs inputs) {
    var channels = new double[Math.toIntExact(inputs.x.channels())][];
    for (int c = 0; c < channels.length; c++) {
      var exact = new ExactChannel(channel(inputs.x, c), inputs.gamma.get(c), Inputs.EPSILON);
      channels[c] = pass == Pass.FORWARD_TRAINING
          ? exact.y(inputs.beta.get(c))
          : exact.dx(channel(inputs.dy, c));
    }
    return channels;
  }

  private static double[] channel(Tensor tensor, int c) {
    int spatial = Math.toIntExact(tensor.spatial());
    var values = new double[Math.toIntExact(tensor.batch()) * spatial];
    for (int i = 0; i < values.length; i++) {
      values[i] = tensor.get(tensor.index(i / spatial, c, i % spatial));
    }
    return values;
  }

  private static OptionalDouble error(
      Participant participant, Case each, Tensor like, double[][] expected, DataFolder data)
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
      double error = error(data.outputs().resolve(each.outputs().getFirst()), like, expected);
      participant.release();
      return OptionalDouble.of(error);
    } catch (RunnerException e) {
      return OptionalDouble.empty();
    } finally {
      data.clear(data.outputs());
    }
  }

  private static double error(Path file, Tensor like, double[][] expected) throws IOException {
    try (var arena = Arena.ofConfined(); var opened = FileChannel.open(file)) {
      var segment = opened.map(FileChannel.MapMode.READ_ONLY, 0, like.segment().byteSize(), arena);
      var actual = Tensor.of(segment, like.dataType(), like.layout(), like.extents());
      double worst = 0;
      for (int c = 0; c < expected.length; c++) {
        worst = Math.max(worst, error(channel(actual, c), expected[c], like.dataType()));
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
