package dev.norma.benchmarks.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.withinPercentage;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import dev.norma.DataType;
import dev.norma.Tensor;
import dev.norma.benchmarks.Case;
import dev.norma.benchmarks.ImageOracle;
import dev.norma.benchmarks.Normalization;
import dev.norma.benchmarks.Operation;
import dev.norma.benchmarks.Pass;
import dev.norma.benchmarks.Shape;
import dev.norma.benchmarks.Types;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class OutputCheckTest {
  private static final Shape SHAPE = new Shape("test", "8x5x49", 8, 5, 49, 1);

  @TempDir Path in;

  @TempDir Path out;

  /** In units in the last place: sums of up to 129 doubles, one after the other, both here and there. */
  private static final double MOST_OF_PLAIN_SUMS = 32;

  private static final Shape ROWS = new Shape("test", "40x129", Normalization.LAYER, 40, 129, 1, 1, 1);
  private static final Shape GROUPS = new Shape("test", "3x8x49", Normalization.GROUP, 3, 8, 49, 4, 1);
  private static final Shape INSTANCES = new Shape("test", "3x5x49", Normalization.INSTANCE, 3, 5, 49, 5, 1);

  /** Normalizations whose sets lie within an image. */
  private static Stream<Case> images() {
    var shapes = Map.of(Operation.LAYER_NORM, ROWS, Operation.RMS_NORM, ROWS, Operation.GROUP_NORM, GROUPS,
        Operation.INSTANCE_NORM, INSTANCES);
    return shapes.entrySet().stream().flatMap(entry -> Types.ALL.stream().flatMap(type -> Stream.of("nchw", "nhwc")
        .filter(layout -> entry.getValue() != ROWS || layout.equals("nchw"))
        .flatMap(layout -> Stream.of(Pass.FORWARD_TRAINING, Pass.BACKWARD_TRAINING)
            .map(pass -> new Case(entry.getKey(), pass, type, layout, entry.getValue(), 1)))));
  }

  /** Of the types that hold what is a share of a tolerance. */
  private static Stream<Case> exactImages() {
    return images().filter(each -> List.of("f32", "f64").contains(each.type()));
  }

  private static Stream<Arguments> cases() {
    return Stream.of(Pass.values())
        .flatMap(pass -> Stream.of("f32", "f64")
            .flatMap(type -> Stream.of("nchw", "nhwc").map(layout -> arguments(pass, type, layout))));
  }

  private Inputs inputs(Pass pass, String type, String layout) throws IOException {
    return new Inputs(in, new Case(Operation.BATCH_NORM, pass, type, layout, SHAPE, 1));
  }

  /** Writes an output, each value moved by a share of its tolerance. */
  private void write(Expected.Output output, double share) throws IOException {
    try (var arena = Arena.ofConfined()) {
      var values = map(arena, output);
      var rows = Rows.of(values);
      for (long row = 0; row < rows.count(); row++) {
        for (int j = 0; j < rows.length(); j++) {
          long i = rows.index(row, j);
          double expected = output.value().applyAsDouble(i);
          values.set(i, expected + share * output.bounds().tolerance(i, rows.channel(row, j), expected));
        }
      }
    }
  }

  private void write(Expected.Output output, double[] values) throws IOException {
    try (var arena = Arena.ofConfined()) {
      map(arena, output).copyFrom(values);
    }
  }

  private Tensor map(Arena arena, Expected.Output output) throws IOException {
    var like = output.like();
    try (var channel = FileChannel.open(out.resolve(output.name()),
        StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      var segment = channel.map(FileChannel.MapMode.READ_WRITE, 0, like.segment().byteSize(), arena);
      return Tensor.of(segment, like.dataType(), like.layout(), like.extents());
    }
  }

  private void set(Expected.Output output, long i, double value) throws IOException {
    try (var arena = Arena.ofConfined()) {
      map(arena, output).set(i, value);
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void whatTheReferenceComputesIsRight(Pass pass, String type, String layout) throws IOException {
    try (var inputs = inputs(pass, type, layout);
        var expected = new Expected(pass, inputs, new SetSums(inputs))) {
      for (var output : expected.outputs()) {
        write(output, 0);
      }
      assertThat(OutputCheck.of(out, expected.outputs()).mismatch()).isEmpty();
      assertThat(OutputCheck.of(out, expected.outputs()).error()).isZero();
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void aLittleLessThanTheToleranceIsRightAndALittleMoreIsWrong(Pass pass, String type, String layout)
      throws IOException {
    try (var inputs = inputs(pass, type, layout);
        var expected = new Expected(pass, inputs, new SetSums(inputs))) {
      for (var output : expected.outputs()) {
        write(output, 0.8);
      }
      assertThat(OutputCheck.of(out, expected.outputs()).mismatch()).isEmpty();
      assertThat(OutputCheck.of(out, expected.outputs()).error()).isPositive();
      for (var output : expected.outputs()) {
        write(output, 1.2);
        assertThat(OutputCheck.of(out, List.of(output)).mismatch()).hasValueSatisfying(
            text -> assertThat(text).startsWith(output.name() + "[0] is ").contains(", expected ", " +- "));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void notANumberIsWrong(Pass pass, String type, String layout) throws IOException {
    try (var inputs = inputs(pass, type, layout);
        var expected = new Expected(pass, inputs, new SetSums(inputs))) {
      for (var output : expected.outputs()) {
        write(output, 0);
        set(output, 3, Double.NaN);
        assertThat(OutputCheck.of(out, List.of(output)).mismatch()).hasValueSatisfying(
            text -> assertThat(text).startsWith(output.name() + "[3] is NaN, expected "));
      }
    }
  }

  private Map<String, double[]> byOracle(Case measured, Inputs inputs) {
    var shape = measured.shape();
    return new ImageOracle(measured.operation(), measured.layout(), (int) shape.batch(), (int) shape.channels(),
        (int) shape.spatial(), (int) shape.groups()).expected(inputs.x.toDoubles(), inputs.dy.toDoubles(),
        inputs.gamma.toDoubles(), inputs.beta.toDoubles());
  }

  @ParameterizedTest
  @MethodSource("images")
  void ofImagesTheFormulasAreExpected(Case measured) throws IOException {
    try (var inputs = new Inputs(in, measured);
        var expected = new Expected(measured.pass(), inputs, new SetSums(inputs))) {
      var oracle = byOracle(measured, inputs);
      assertThat(expected.outputs()).extracting(Expected.Output::name).isEqualTo(measured.outputs());
      for (var output : expected.outputs()) {
        write(output, oracle.get(output.name()));
      }
      assertThat(OutputCheck.of(out, expected.outputs()).mismatch()).isEmpty();
      assertThat(OutputCheck.of(out, expected.outputs()).error())
          .isLessThan(measured.type().equals("f64") ? MOST_OF_PLAIN_SUMS : 0.51);
      for (var output : expected.outputs()) {
        set(output, 0, Double.NaN);
        assertThat(OutputCheck.of(out, List.of(output)).mismatch()).isPresent();
      }
    }
  }

  @ParameterizedTest
  @MethodSource("exactImages")
  void ofImagesALittleLessThanTheToleranceIsRightAndALittleMoreIsWrong(Case measured) throws IOException {
    try (var inputs = new Inputs(in, measured);
        var expected = new Expected(measured.pass(), inputs, new SetSums(inputs))) {
      for (var output : expected.outputs()) {
        write(output, 0.8);
        assertThat(OutputCheck.of(out, List.of(output)).mismatch()).isEmpty();
        write(output, 1.2);
        assertThat(OutputCheck.of(out, List.of(output)).mismatch()).hasValueSatisfying(
            text -> assertThat(text).startsWith(output.name() + "[0] is "));
      }
    }
  }

  /** Statistics of the neighbour, of one value less, and a gradient without one of its terms. */
  @ParameterizedTest
  @EnumSource(value = Operation.class, names = {"LAYER_NORM", "RMS_NORM", "GROUP_NORM", "INSTANCE_NORM"})
  void mistakesInTheFormulasOfImagesAreFound(Operation operation) throws IOException {
    var cases = images().filter(each -> each.operation() == operation && each.type().equals("f32")).toList();
    for (var measured : cases) {
      try (var inputs = new Inputs(in, measured)) {
        var sums = new SetSums(inputs);
        var roundings = new Roundings(inputs.x.dataType(), inputs.sets().values(), sums);
        try (var expected = new Expected(measured.pass(), inputs, sums)) {
          var output = expected.outputs().getFirst();
          double right = output.value().applyAsDouble(0);
          double beta = operation.hasMean() ? inputs.beta.get(0) : 0;
          double ofNeighbour = inputs.gamma.get(0) * roundings.invStd(1) * (inputs.x.get(0) - sums.mean[1]) + beta;
          double unbiased = beta + (right - beta) * Math.sqrt(1 - 1.0 / inputs.sets().values());
          double ofDyAlone = inputs.gamma.get(0) * roundings.invStd(0) * inputs.dy.get(0);
          var wrong = measured.pass() == Pass.FORWARD_TRAINING
              ? new double[] {ofNeighbour, unbiased}
              : new double[] {ofDyAlone};
          for (double value : wrong) {
            write(output, 0);
            set(output, 0, value);
            assertThat(OutputCheck.of(out, List.of(output)).mismatch()).isPresent();
          }
        }
      }
    }
  }

  /** What programmers get wrong is far beyond the tolerance of a small tensor. */
  @Test
  void mistakesInTheFormulasAreFound() throws IOException {
    try (var inputs = inputs(Pass.FORWARD_TRAINING, "f32", "nchw")) {
      var sums = new SetSums(inputs);
      try (var expected = new Expected(Pass.FORWARD_TRAINING, inputs, sums)) {
        var y = expected.outputs().getFirst();
        write(y, 0);
        double unbiased = Math.sqrt(1 - 1.0 / (SHAPE.batch() * SHAPE.spatial()));
        set(y, 0, inputs.beta.get(0) + (y.value().applyAsDouble(0) - inputs.beta.get(0)) * unbiased);
        assertThat(OutputCheck.of(out, List.of(y)).mismatch()).isPresent();
      }
      try (var expected = new Expected(Pass.BACKWARD_TRAINING, inputs, sums)) {
        var dx = expected.outputs().getFirst();
        write(dx, 0);
        double invStd = 1 / Math.sqrt(sums.variance[0] + Inputs.EPSILON);
        double dbeta = expected.outputs().get(2).value().applyAsDouble(0);
        double withoutXHat = inputs.dy.get(0) - dbeta / (SHAPE.batch() * SHAPE.spatial());
        set(dx, 0, inputs.gamma.get(0) * invStd * withoutXHat);
        assertThat(OutputCheck.of(out, List.of(dx)).mismatch()).isPresent();
      }
    }
  }

  @Test
  void aSumInTheTensorsTypeOneTermAfterTheOtherIsWithinTheTolerance() throws IOException {
    var shape = new Shape("test", "64x3x1024", 64, 3, 1024, 1);
    try (var inputs = new Inputs(in, new Case(Operation.BATCH_NORM, Pass.BACKWARD_TRAINING, "f32", "nhwc", shape, 1));
        var expected = new Expected(Pass.BACKWARD_TRAINING, inputs, new SetSums(inputs))) {
      var dbeta = expected.outputs().get(2);
      write(dbeta, 0);
      for (int c = 0; c < 3; c++) {
        float sum = 0;
        for (long i = c; i < inputs.dy.size(); i += 3) {
          sum += (float) inputs.dy.get(i);
        }
        set(dbeta, c, sum);
      }
      var check = OutputCheck.of(out, List.of(dbeta));
      assertThat(check.mismatch()).isEmpty();
      assertThat(check.error()).isPositive();
    }
  }

  /** Results that are stored once are a rounding from what is expected, which is stored too. */
  @ParameterizedTest
  @CsvSource({"bf16, 0x1p-8", "f16, 0x1p-11"})
  void tensorsOf16BitsHaveTheRoundingsOfTheirType(String type, double unitRoundoff) throws IOException {
    try (var inputs = inputs(Pass.FORWARD_TRAINING, type, "nchw");
        var expected = new Expected(Pass.FORWARD_TRAINING, inputs, new SetSums(inputs))) {
      var y = expected.outputs().getFirst();
      double value = y.value().applyAsDouble(0);
      assertThat(y.bounds().tolerance(0, 0, value))
          .isCloseTo(2 * unitRoundoff * Math.abs(value), withinPercentage(20));
      write(y, 0);
      assertThat(OutputCheck.of(out, List.of(y)).mismatch()).isEmpty();
      set(y, 0, value + Math.scalb(2 * unitRoundoff, Math.getExponent(value)));
      assertThat(OutputCheck.of(out, List.of(y)).error()).isBetween(0.1, 1.0);
      assertThat(OutputCheck.of(out, List.of(y)).mismatch()).isEmpty();
      set(y, 0, value * (1 + 6 * unitRoundoff));
      assertThat(OutputCheck.of(out, List.of(y)).mismatch()).isPresent();
    }
  }

  /** As the reference does, with everything exact but the place where ReLU decides. */
  @ParameterizedTest
  @ValueSource(strings = {"f32", "f64", "bf16", "f16"})
  void aGradientAtTheThresholdOfReluIsRightEitherWay(String type) throws IOException {
    var measured = new Case(Operation.BATCH_NORM_ADD_RELU, Pass.BACKWARD_TRAINING, type, "nchw", SHAPE, 1);
    try (var inputs = new Inputs(in, measured)) {
      var sums = new SetSums(inputs);
      var atThreshold = Tensor.of(inputs.residual(), inputs.x.dataType(), inputs.x.layout(), inputs.x.extents());
      var bounds = OutputBounds.ofTraining(inputs,
          new Roundings(inputs.x.dataType(), inputs.norm().valuesPerChannel(), sums));
      atThreshold.set(0, -bounds.z(0, 0) + inputs.residual(0));
      try (var expected = new Expected(Pass.BACKWARD_TRAINING, inputs, sums)) {
        for (var output : expected.outputs()) {
          write(output, 0);
        }
        assertThat(OutputCheck.of(out, expected.outputs()).error()).isZero();
        var dresidual = expected.outputs().getLast();
        double passes = inputs.dy.get(0);
        for (double either : new double[] {0, passes}) {
          set(dresidual, 0, either);
          assertThat(OutputCheck.of(out, List.of(dresidual))).isEqualTo(new OutputCheck(0, Optional.empty()));
        }
        set(dresidual, 0, -2 * passes);
        assertThat(OutputCheck.of(out, List.of(dresidual)).mismatch()).isPresent();
        set(dresidual, 0, passes);
        set(dresidual, 1, inputs.dy.get(1) - dresidual.value().applyAsDouble(1));
        assertThat(OutputCheck.of(out, List.of(dresidual)).mismatch()).isPresent();
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Pass.class)
  void whatTheReferenceComputesOfEveryOperationAndTypeIsRight(Pass pass) throws IOException {
    for (var operation : Operation.values()) {
      for (var type : operation.normalization() == Normalization.BATCH ? Types.ALL : List.<String>of()) {
        try (var inputs = new Inputs(in, new Case(operation, pass, type, "nhwc", SHAPE, 1));
            var expected = new Expected(pass, inputs, new SetSums(inputs))) {
          for (var output : expected.outputs()) {
            Files.deleteIfExists(out.resolve(output.name())); // Of another type it has another size.
            write(output, 0);
          }
          assertThat(expected.outputs()).extracting(Expected.Output::name).isEqualTo(pass.outputs(operation));
          assertThat(OutputCheck.of(out, expected.outputs())).isEqualTo(new OutputCheck(0, Optional.empty()));
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"f32", "f64", "bf16", "f16"})
  void aLimitJoinsTensorsOfEveryType(String type) throws IOException {
    var measured = new Case(Operation.BATCH_NORM_ADD_RELU, Pass.BACKWARD_TRAINING, type, "nchw", SHAPE, 1);
    try (var inputs = new Inputs(in, measured);
        var expected = new Expected(Pass.BACKWARD_TRAINING, inputs, new SetSums(inputs))) {
      assertThat(expected.ofLimit()).extracting(Expected.Output::name).containsExactly("dx", "dresidual");
      for (var output : expected.ofLimit()) {
        write(output, 0);
        assertThat(output.value().applyAsDouble(3)).isFinite();
      }
      assertThat(OutputCheck.of(out, expected.ofLimit()).mismatch()).isEmpty();
    }
  }

  @Test
  void aLimitHasToCopyExactly() throws IOException {
    try (var inputs = inputs(Pass.BACKWARD_TRAINING, "f32", "nhwc");
        var expected = new Expected(Pass.BACKWARD_TRAINING, inputs, new SetSums(inputs))) {
      var common = expected.ofLimit().getFirst();
      write(common, 0);
      assertThat(OutputCheck.of(out, expected.ofLimit()).mismatch()).isEmpty();
      set(common, 7, Math.nextUp((float) common.value().applyAsDouble(7)));
      assertThat(OutputCheck.of(out, expected.ofLimit()).mismatch()).hasValueSatisfying(
          text -> assertThat(text).startsWith("dx[7] is "));
    }
  }

  @Test
  void aFileThatIsMissingOrOfAnotherSizeIsWrong() throws IOException {
    try (var inputs = inputs(Pass.FORWARD_TRAINING, "f32", "nchw");
        var expected = new Expected(Pass.FORWARD_TRAINING, inputs, new SetSums(inputs))) {
      assertThat(OutputCheck.of(out, expected.outputs()).mismatch()).contains("y was not written");
      Files.write(out.resolve("y"), new byte[12]);
      assertThat(OutputCheck.of(out, expected.outputs()).mismatch()).contains("y has 12 bytes, expected 7840");
    }
  }

  @Test
  void inputsAreAsTheTolerancesNeedThem() throws IOException {
    var shape = new Shape("test", "64x7x256", 64, 7, 256, 1);
    for (var layout : List.of("nchw", "nhwc")) {
      var measured = new Case(Operation.BATCH_NORM, Pass.FORWARD_TRAINING, "f32", layout, shape, 1);
      try (var inputs = new Inputs(in, measured)) {
        var sums = new SetSums(inputs);
        assertThat(inputs.x.dataType()).isEqualTo(DataType.FLOAT32);
        assertThat(Arrays.stream(sums.mean).boxed()).allMatch(mean -> Math.abs(mean) < 1.1).doesNotHaveDuplicates();
        assertThat(Arrays.stream(sums.variance).boxed())
            .allMatch(variance -> variance > 0.2 && variance < 4.5).doesNotHaveDuplicates();
      }
    }
  }
}
