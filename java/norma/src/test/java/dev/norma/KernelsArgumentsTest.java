package dev.norma;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Every segment of every operation, replaced by each kind of bad one: an exception that names it, nothing written. */
class KernelsArgumentsTest {
  private static final Set<String> OPTIONAL =
      Set.of("residual", "bias", "gamma", "beta", "dx", "dresidual", "dgamma", "dbeta", "workspace");
  /** Operations that give statistics only where they are wanted. */
  private static final Map<String, Set<String>> OPTIONAL_STATISTICS =
      Map.ofEntries(
          Map.entry("layerNormForward", Set.of("mean", "invStd")),
          Map.entry("rmsNormForward", Set.of("invRms")),
          Map.entry("groupNormForward", Set.of("mean", "variance", "invStd")));
  private static final Map<String, Set<String>> OUTPUTS =
      Map.ofEntries(
          Map.entry("forwardTraining", Set.of("y", "mean", "variance", "workspace")),
          Map.entry("forwardInference", Set.of("y", "workspace")),
          Map.entry("backwardTraining", Set.of("dx", "dgamma", "dbeta", "workspace")),
          Map.entry("backwardInference", Set.of("dx", "dgamma", "dbeta", "workspace")),
          Map.entry("reluForwardTraining", Set.of("y", "mean", "variance", "workspace")),
          Map.entry("reluForwardInference", Set.of("y", "workspace")),
          Map.entry("reluBackwardTraining", Set.of("dx", "dresidual", "dgamma", "dbeta", "workspace")),
          Map.entry("reluBackwardInference", Set.of("dx", "dresidual", "dgamma", "dbeta", "workspace")),
          Map.entry("updateRunning", Set.of("runningMean", "runningVar", "batches", "refused")),
          Map.entry("localStatistics", Set.of("mean", "variance", "workspace")),
          Map.entry("mergeStatistics", Set.of("count", "mean", "variance")),
          Map.entry("normalize", Set.of("y", "workspace")),
          Map.entry("localGradientSums", Set.of("sumDy", "sumDyXHat", "workspace")),
          Map.entry("mergeGradientSums", Set.of("sumDy", "sumDyXHat")),
          Map.entry("gradientInput", Set.of("dx", "workspace")),
          Map.entry("fold", Set.of("foldedWeights", "foldedBias")),
          Map.entry("gradientDescentStep", Set.of("parameter", "velocity")),
          Map.entry("layerNormForward", Set.of("y", "mean", "invStd", "workspace")),
          Map.entry("layerNormBackward", Set.of("dx", "dgamma", "dbeta", "workspace")),
          Map.entry("rmsNormForward", Set.of("y", "invRms", "workspace")),
          Map.entry("rmsNormBackward", Set.of("dx", "dgamma", "workspace")),
          Map.entry("groupNormForward", Set.of("y", "mean", "variance", "invStd", "workspace")),
          Map.entry("groupNormBackward", Set.of("dx", "dgamma", "dbeta", "workspace")),
          Map.entry("instanceNormAverageStatistics", Set.of("mean", "variance")));

  private static final long PARTS = 2;
  private static final long FAN_IN = 6;
  /** A tensor of 3 x 4 x 5 elements, as rows with a parameter for each of 4. */
  private static final long ROWS = 15;


  private final Problem problem =
      Problem.random(new BatchNormDescriptor(3, 4, 5, 1e-5, DataType.FLOAT32, Layout.CHANNELS_FIRST, 0), 9, 0, 1);
  private final Map<String, Object> good = goodArguments();

  @AfterEach
  void close() {
    problem.close();
  }

  private Map<String, Object> goodArguments() {
    var norm = problem.norm;
    var arguments = new HashMap<String, Object>();
    problem.forward(Kernels.reference());
    arguments.putAll(Map.of("norm", norm, "type", norm.dataType(), "channels", norm.channels(), "parts", PARTS));
    arguments.putAll(Map.of("x", problem.x, "dy", problem.dy, "y", problem.y, "dx", problem.dx));
    arguments.putAll(Map.of("residual", problem.residual, "dresidual", problem.dresidual));
    arguments.putAll(Map.of("gamma", problem.gamma, "beta", problem.beta, "dgamma", problem.dgamma));
    arguments.putAll(Map.of("dbeta", problem.dbeta, "mean", problem.mean, "variance", problem.variance));
    arguments.putAll(Map.of("runningMean", problem.runningMean, "runningVar", problem.runningVar));
    arguments.putAll(Map.of("sumDy", problem.statistics(), "sumDyXHat", problem.statistics()));
    for (var perPart : List.of("means", "variances", "sumsDy", "sumsDyXHat")) {
      arguments.put(perPart, problem.arena.allocate(PARTS * norm.statisticsBytes(), Double.BYTES));
    }
    arguments.put("counts", problem.arena.allocateFrom(JAVA_LONG, 7, 8));
    for (var number : List.of("batches", "refused")) {
      arguments.put(number, problem.arena.allocate(JAVA_LONG));
    }
    arguments.putAll(Map.of("fanIn", FAN_IN, "epsilon", norm.epsilon()));
    for (var weights : List.of("weights", "foldedWeights")) {
      arguments.put(weights, problem.arena.allocate(norm.channels() * FAN_IN * Float.BYTES, Double.BYTES));
    }
    arguments.putAll(Map.of("bias", problem.parameters(), "foldedBias", problem.parameters()));
    arguments.put("length", norm.channels());
    arguments.putAll(Map.of("gradient", problem.dgamma, "parameter", problem.gamma, "velocity", problem.beta));
    arguments.put("rows", new LayerNormDescriptor(ROWS, norm.channels(), norm.epsilon(), norm.dataType(), 0));
    for (var ofRows : List.of("meanOfRows", "invStd", "invRms")) {
      arguments.put(ofRows, problem.arena.allocate(ROWS * Double.BYTES, Double.BYTES));
    }
    var groups = new GroupNormDescriptor(3, 4, 5, 2, norm.epsilon(), norm.dataType(), norm.layout(), 0);
    arguments.putAll(Map.of("groups", groups, "batch", PARTS));
    for (var ofGroups : List.of("meanOfGroups", "varianceOfGroups", "invStdOfGroups")) {
      arguments.put(ofGroups, problem.arena.allocate(groups.statisticsBytes(), Double.BYTES));
    }
    arguments.put("workspace", problem.arena.allocate(1 << 16, Double.BYTES));
    return arguments;
  }

  /** Some names mean a number in one operation and a segment in another. */
  private Object[] argumentsOf(Method operation) {
    return Arrays.stream(operation.getParameters())
        .map(
            parameter ->
                switch (parameter.getName()) {
                  case "rule" ->
                      parameter.getType() == RunningRule.class
                          ? new RunningRule(0.9, false, true, false)
                          : new GradientDescent(0.1, 0.9, 0, false);
                  case "count" ->
                      parameter.getType() == long.class ? (Object) 15L : problem.arena.allocate(JAVA_LONG);
                  case "norm" -> good.get(descriptor(parameter.getType()));
                  case "mean", "variance", "invStd" ->
                      good.get(parameter.getName() + suffix(operation.getName(), parameter.getName()));
                  default -> good.get(parameter.getName());
                })
        .toArray();
  }

  private static String descriptor(Class<?> type) {
    return type == LayerNormDescriptor.class ? "rows" : type == GroupNormDescriptor.class ? "groups" : "norm";
  }

  /** Of how many slices statistics are. */
  private static String suffix(String operation, String statistics) {
    var ofRows = operation.startsWith("layerNorm") && statistics.equals("mean");
    return operation.startsWith("groupNorm") ? "OfGroups" : ofRows ? "OfRows" : "";
  }

  static Stream<Arguments> operations() {
    return Stream.of(Kernels.nativeKernels(), Kernels.reference(), Kernels.checked())
        .flatMap(
            kernels ->
                Arrays.stream(Kernels.class.getMethods())
                    .filter(method -> OUTPUTS.containsKey(method.getName()))
                    .map(method -> arguments(kernels, method)));
  }

  private static Throwable call(Kernels kernels, Method operation, Object[] arguments) {
    return catchThrowable(
        () -> {
          try {
            operation.invoke(kernels, arguments);
          } catch (InvocationTargetException e) {
            throw e.getCause();
          }
        });
  }

  /** Replaces each segment in turn that the filter wants, and gives name and exception to the check. */
  private void forEachReplaced(
      Kernels kernels, Method operation, boolean outputsOnly, UnaryOperator<MemorySegment> bad, Check check) {
    var parameters = operation.getParameters();
    for (var i = 0; i < parameters.length; i++) {
      var arguments = argumentsOf(operation);
      var name = parameters[i].getName();
      if (!(arguments[i] instanceof MemorySegment segment)
          || (outputsOnly && !OUTPUTS.get(operation.getName()).contains(name))) {
        continue;
      }
      arguments[i] = bad.apply(segment);
      var before = contents();
      var thrown = call(kernels, operation, arguments);
      check.check(name, thrown);
      if (thrown != null) {
        assertThat(contents()).as("%s wrote although %s was bad", operation.getName(), name).isEqualTo(before);
      }
    }
  }

  private interface Check {
    void check(String name, Throwable thrown);
  }

  /** A hash of what each segment holds. */
  private Map<String, Integer> contents() {
    return good.entrySet().stream()
        .filter(argument -> argument.getValue() instanceof MemorySegment)
        .filter(argument -> !argument.getKey().equals("workspace"))
        .collect(
            Collectors.toMap(
                Map.Entry::getKey,
                argument -> Arrays.hashCode(((MemorySegment) argument.getValue()).toArray(JAVA_BYTE))));
  }

  @ParameterizedTest
  @MethodSource("operations")
  void goodArgumentsAreTaken(Kernels kernels, Method operation) {
    assertThat(call(kernels, operation, argumentsOf(operation))).isNull();
  }

  @ParameterizedTest
  @MethodSource("operations")
  void nullIsRefused(Kernels kernels, Method operation) {
    forEachReplaced(
        kernels,
        operation,
        false,
        segment -> null,
        (name, thrown) -> assertThat(thrown).isInstanceOf(NullPointerException.class).hasMessage(name));
  }

  @ParameterizedTest
  @MethodSource("operations")
  void aMissingSegmentIsRefusedWhereItIsNeeded(Kernels kernels, Method operation) {
    forEachReplaced(
        kernels,
        operation,
        false,
        segment -> MemorySegment.NULL,
        (name, thrown) -> {
          if (operation.getName().startsWith("reluBackward") && Set.of("residual", "dx").contains(name)) {
            assertThat(thrown)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(name + " is MemorySegment.NULL, but dresidual needs it");
          } else if (isOptional(name, operation.getName())) {
            assertThat(thrown).isNull();
          } else {
            assertThat(thrown)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(name + " is MemorySegment.NULL, but is needed");
          }
        });
  }

  private static boolean isOptional(String name, String operation) {
    return OPTIONAL_STATISTICS.getOrDefault(operation, Set.of()).contains(name)
        || (OPTIONAL.contains(name) && !(name.equals("dx") && operation.equals("gradientInput")));
  }

  @ParameterizedTest
  @MethodSource("operations")
  void aHeapSegmentIsRefused(Kernels kernels, Method operation) {
    forEachReplaced(
        kernels,
        operation,
        false,
        segment -> MemorySegment.ofArray(new double[(int) segment.byteSize() / 8 + 1]),
        (name, thrown) ->
            assertThat(thrown)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith(name + " is a heap segment")
                .hasMessageContaining("Arena"));
  }

  @ParameterizedTest
  @MethodSource("operations")
  void aClosedArenaIsRefused(Kernels kernels, Method operation) {
    forEachReplaced(
        kernels,
        operation,
        false,
        segment -> {
          try (var arena = Arena.ofShared()) {
            return arena.allocate(segment.byteSize(), 64);
          }
        },
        (name, thrown) ->
            assertThat(thrown)
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("the arena of " + name + " is closed"));
  }

  @ParameterizedTest
  @MethodSource("operations")
  void aSegmentOfAnotherThreadIsRefused(Kernels kernels, Method operation) throws InterruptedException {
    var foreign = new AtomicReference<MemorySegment>();
    var allocated = new CountDownLatch(1);
    var done = new CountDownLatch(1);
    var owner =
        Thread.ofPlatform()
            .name("the owner")
            .start(
                () -> {
                  try (var arena = Arena.ofConfined()) {
                    foreign.set(arena.allocate(1 << 16, 64));
                    allocated.countDown();
                    done.await();
                  } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                  }
                });
    allocated.await();
    forEachReplaced(
        kernels,
        operation,
        false,
        segment -> foreign.get(),
        (name, thrown) ->
            assertThat(thrown)
                .isInstanceOf(WrongThreadException.class)
                .hasMessageStartingWith(name + " belongs to thread 'the owner'")
                .hasMessageContaining(Thread.currentThread().getName())
                .hasMessageContaining("Arena.ofShared()"));
    done.countDown();
    owner.join();
  }

  @ParameterizedTest
  @MethodSource("operations")
  void aSmallSegmentIsRefused(Kernels kernels, Method operation) {
    forEachReplaced(
        kernels,
        operation,
        false,
        segment -> segment.byteSize() == 1 << 16 ? segment.asSlice(1) : segment.asSlice(0, segment.byteSize() - 1),
        (name, thrown) -> {
          if (name.equals("workspace")) {
            assertThat(thrown).hasMessageStartingWith("workspace is misaligned");
          } else {
            assertThat(thrown)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageMatching(name + " has \\d+ bytes, but \\d+ are needed");
          }
        });
  }

  @ParameterizedTest
  @MethodSource("operations")
  void aMisalignedSegmentIsRefused(Kernels kernels, Method operation) {
    forEachReplaced(
        kernels,
        operation,
        false,
        segment -> problem.arena.allocate(segment.byteSize() + 8, 64).asSlice(2, segment.byteSize()),
        (name, thrown) ->
            assertThat(thrown)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith(name + " is misaligned"));
  }

  @ParameterizedTest
  @MethodSource("operations")
  void aReadOnlyOutputIsRefused(Kernels kernels, Method operation) {
    forEachReplaced(
        kernels,
        operation,
        true,
        MemorySegment::asReadOnly,
        (name, thrown) ->
            assertThat(thrown)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(name + " is an output, but its segment is read-only"));
  }

  /** Each output in turn lies 8 bytes into the first input, or at its start where that is not allowed in place. */
  @ParameterizedTest
  @MethodSource("operations")
  void anOverlapIsRefused(Kernels kernels, Method operation) {
    var first = IntStream.range(0, 9).filter(i -> argumentsOf(operation)[i] instanceof MemorySegment).findFirst();
    var firstName = operation.getParameters()[first.orElseThrow()].getName();
    var original = (MemorySegment) good.get(firstName);
    var block = problem.arena.allocate(1 << 17, 64);
    good.put(firstName, block.asSlice(0, original.byteSize()).copyFrom(original));
    forEachReplaced(
        kernels,
        operation,
        true,
        segment -> block.asSlice(8, segment.byteSize()),
        (name, thrown) ->
            assertThat(thrown)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageMatching("\\w+ overlaps \\w+(: in place means the same address)?")
                .message()
                .contains(name)
                .contains(firstName));
  }

  @Test
  void inPlaceIsForTensorsOnly() {
    var thrown =
        catchThrowableOfType(
            IllegalArgumentException.class,
            () ->
                Kernels.nativeKernels()
                    .backwardTraining(
                        problem.norm,
                        problem.x,
                        problem.dy,
                        problem.gamma,
                        problem.mean,
                        problem.variance,
                        problem.dx,
                        problem.gamma,
                        problem.dbeta,
                        MemorySegment.NULL));
    assertThat(thrown).hasMessage("dgamma overlaps gamma");
  }

  /** Behind ReLU y may be x or the residual; dx or dresidual may be dy. */
  @Test
  void inPlaceOfEitherInput() {
    for (var kernels : List.of(Kernels.nativeKernels(), Kernels.reference(), Kernels.checked())) {
      for (var input : List.of("x", "residual")) {
        assertThat(callWith(kernels, "reluForwardTraining", "y", input)).isNull();
        assertThat(callWith(kernels, "reluForwardInference", "y", input)).isNull();
      }
      for (var operation : List.of("reluBackwardTraining", "reluBackwardInference")) {
        assertThat(callWith(kernels, operation, "dx", "dy")).isNull();
        assertThat(callWith(kernels, operation, "dresidual", "dy")).isNull();
        assertThat(callWith(kernels, operation, "dresidual", "dx")).hasMessage("dx overlaps dresidual");
        assertThat(callWith(kernels, operation, "dresidual", "residual")).hasMessage("dresidual overlaps residual");
        assertThat(callWith(kernels, operation, "dx", "x")).hasMessage("dx overlaps x");
      }
    }
  }

  /** A good call, but for one argument that is another one. */
  private Throwable callWith(Kernels kernels, String name, String argument, String other) {
    var operation = operation(name);
    var arguments = argumentsOf(operation);
    for (var i = 0; i < arguments.length; i++) {
      if (operation.getParameters()[i].getName().equals(argument)) {
        arguments[i] = good.get(other);
      }
    }
    return call(kernels, operation, arguments);
  }

  @Test
  void withoutAResidualNothingElseIsNeeded() {
    var none = MemorySegment.NULL;
    for (var kernels : List.of(Kernels.nativeKernels(), Kernels.reference(), Kernels.checked())) {
      problem.reluForward(kernels, none);
      problem.reluBackward(kernels, none, none);
      problem.reluBackward(kernels, problem.residual, none);
      assertThat(catchThrowable(() -> problem.reluBackward(kernels, none, problem.dresidual)))
          .hasMessage("residual is MemorySegment.NULL, but dresidual needs it");
    }
  }

  /** Elements of 16 bits need half the bytes and half the alignment, their parameters do not. */
  @Test
  void parametersOf16BitTensorsAreFloats() {
    var norm = new BatchNormDescriptor(3, 4, 5, 0, DataType.FLOAT16, Layout.CHANNELS_FIRST, 0);
    assertThat(norm.tensorBytes()).isEqualTo(3 * 4 * 5 * 2);
    assertThat(norm.parameterBytes()).isEqualTo(4 * 4);
    try (var half = new Problem(norm)) {
      var x = half.arena.allocate(norm.tensorBytes() + 8, 8).asSlice(2, norm.tensorBytes());
      var gamma = half.arena.allocate(norm.parameterBytes() + 8, 8).asSlice(2, norm.parameterBytes());
      var kernels = Kernels.nativeKernels();
      var none = MemorySegment.NULL;
      kernels.forwardTraining(norm, x, none, none, half.y, half.mean, half.variance, none);
      assertThat(
              catchThrowable(
                  () -> kernels.forwardTraining(norm, x, gamma, none, half.y, half.mean, half.variance, none)))
          .hasMessageStartingWith("gamma is misaligned");
    }
  }

  @Test
  void aSmallWorkspaceIsWhatCReports() {
    var small = problem.arena.allocate(8, 8);
    var thrown =
        catchThrowableOfType(
            NormaException.class,
            () ->
                Kernels.nativeKernels()
                    .localStatistics(problem.norm, problem.x, problem.mean, problem.variance, small));
    assertThat(thrown.status()).isEqualTo(13);
    assertThat(thrown).hasMessageStartingWith("localStatistics: ");
  }

  @Test
  void oneValuePerChannelHasNoVariance() {
    var norm = new BatchNormDescriptor(1, 4, 1, 0, DataType.FLOAT32, Layout.CHANNELS_FIRST, 0);
    try (var single = new Problem(norm)) {
      for (var kernels : List.of(Kernels.nativeKernels(), Kernels.reference())) {
        for (var thrown :
            List.of(
                catchThrowable(() -> single.forward(kernels)),
                catchThrowable(() -> single.backward(kernels)),
                catchThrowable(() -> single.reluForward(kernels, single.residual)),
                catchThrowable(() -> single.reluBackward(kernels, single.residual, single.dresidual)))) {
          assertThat(thrown)
              .isInstanceOf(IllegalArgumentException.class)
              .hasMessageContaining("more than one value per channel");
        }
        single.infer(kernels);
        kernels.localStatistics(norm, single.x, single.mean, single.variance, MemorySegment.NULL);
        assertThat(Problem.doubles(single.variance)).containsOnly(0);
      }
    }
  }

  @Test
  void countsAreChecked() {
    var counts = problem.arena.allocate(ValueLayout.JAVA_LONG, PARTS);
    good.put("counts", counts);
    var merge = operation("mergeStatistics");
    assertThat(call(Kernels.nativeKernels(), merge, argumentsOf(merge)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("all counts are 0: there is nothing to merge");
    counts.setAtIndex(JAVA_LONG, 1, -3);
    assertThat(call(Kernels.nativeKernels(), merge, argumentsOf(merge)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("counts[1] is negative: -3");
  }

  @Test
  void aPartIsNoLargerThanTheWhole() {
    var gradientInput = operation("gradientInput");
    var arguments = argumentsOf(gradientInput);
    arguments[6] = 14L;
    assertThat(call(Kernels.nativeKernels(), gradientInput, arguments))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("count 14 of the whole is below the 15 of the part");
  }

  @Test
  void foldingIsInPlaceOfWeightsAndBiasOnly() {
    for (var kernels : List.of(Kernels.nativeKernels(), Kernels.reference(), Kernels.checked())) {
      assertThat(callWith(kernels, "fold", "foldedWeights", "weights")).isNull();
      assertThat(callWith(kernels, "fold", "foldedBias", "bias")).isNull();
      assertThat(callWith(kernels, "fold", "foldedBias", "beta")).hasMessage("foldedBias overlaps beta");
      assertThat(callWith(kernels, "fold", "foldedBias", "foldedWeights"))
          .hasMessage("foldedBias overlaps foldedWeights");
    }
  }

  @Test
  void whatIsFoldedIsChecked() {
    for (var kernels : List.of(Kernels.nativeKernels(), Kernels.reference(), Kernels.checked())) {
      good.put("epsilon", -1.0);
      requireRefused(kernels, "epsilon must be at least 0 and finite, not -1.0");
      good.put("epsilon", Double.NaN);
      requireRefused(kernels, "epsilon must be at least 0 and finite, not NaN");
      good.put("epsilon", 0.0);
      good.put("fanIn", 0L);
      requireRefused(kernels, "fanIn is out of range: 0");
      good.put("fanIn", Long.MAX_VALUE);
      requireRefused(kernels, "fanIn is out of range: " + Long.MAX_VALUE);
      good.put("fanIn", FAN_IN);
      good.put("channels", 0L);
      requireRefused(kernels, "channels is out of range: 0");
      good.put("channels", 4L);
    }
  }

  private void requireRefused(Kernels kernels, String message) {
    requireRefused(kernels, "fold", message);
  }

  private void requireRefused(Kernels kernels, String name, String message) {
    var operation = operation(name);
    assertThat(call(kernels, operation, argumentsOf(operation)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(message);
  }

  private static Method operation(String name) {
    return Arrays.stream(Kernels.class.getMethods())
        .filter(method -> method.getName().equals(name))
        .findFirst()
        .orElseThrow();
  }

  @Test
  void descriptorsAreChecked() {
    var message = catchThrowable(() -> descriptor(0, 1, 1, 0, 0));
    assertThat(message).hasMessage("extents must be at least 1: batch 0, channels 1, spatial 1");
    assertThat(catchThrowable(() -> descriptor(1, 1, 1, -1, 0))).hasMessageContaining("epsilon");
    assertThat(catchThrowable(() -> descriptor(1, 1, 1, Double.NaN, 0))).hasMessageContaining("epsilon");
    assertThat(catchThrowable(() -> descriptor(1, 1, 1, 0, -1))).hasMessageContaining("threads");
    assertThat(catchThrowable(() -> descriptor(1L << 31, 1L << 31, 4, 0, 0))).hasMessageContaining("exceeds");
  }

  @Test
  void descriptorsOfRowsAreChecked() {
    assertThat(catchThrowable(() -> rows(0, 1, 0, 0))).hasMessage("extents must be at least 1: rows 0, length 1");
    assertThat(catchThrowable(() -> rows(1, -1, 0, 0))).hasMessage("extents must be at least 1: rows 1, length -1");
    assertThat(catchThrowable(() -> rows(1, 1, -1, 0))).hasMessageContaining("epsilon");
    assertThat(catchThrowable(() -> rows(1, 1, 0, -1))).hasMessage("threads must be at least 0, not -1");
    assertThat(catchThrowable(() -> rows(1L << 31, 1L << 31, 0, 0))).hasMessageContaining("exceeds 2^63 - 1 bytes");
    assertThat(catchThrowable(() -> rows(1L << 60, 1, 0, 0))).hasMessageContaining("exceeds 2^63 - 1 bytes");
    assertThat(catchThrowable(() -> Kernels.nativeKernels().workspaceSize(rows(1L << 50, 1L << 9, 0, 0))))
        .isInstanceOf(NormaException.class)
        .hasMessageStartingWith("workspaceSize: ");
  }

  @Test
  void descriptorsOfGroupsAreChecked() {
    assertThat(catchThrowable(() -> groups(0, 4, 1, 2))).hasMessageStartingWith("extents must be at least 1: batch 0");
    assertThat(catchThrowable(() -> groups(1, 4, 1, 0)))
        .hasMessage("groups must be at least 1 and divide the channels: 0 groups of 4 channels");
    assertThat(catchThrowable(() -> groups(1, 4, 1, 3))).hasMessageContaining("3 groups of 4 channels");
    assertThat(catchThrowable(() -> groups(1, 4, 1, 8))).hasMessageContaining("8 groups of 4 channels");
    assertThat(catchThrowable(() -> groups(1L << 31, 1L << 29, 1, 1L << 29))).hasMessageContaining("exceed");
    assertThat(groups(3, 4, 5, 2).valuesPerGroup()).isEqualTo(10);
    assertThat(catchThrowable(() -> Kernels.nativeKernels().workspaceSize(groups(1L << 50, 1L << 9, 1, 1))))
        .isInstanceOf(NormaException.class)
        .hasMessageStartingWith("workspaceSize: ");
  }

  private static GroupNormDescriptor groups(long batch, long channels, long spatial, long groups) {
    return new GroupNormDescriptor(
        batch, channels, spatial, groups, 0, DataType.FLOAT32, Layout.CHANNELS_FIRST, 0);
  }

  @Test
  void averagesNeedImagesAndChannels() {
    for (var kernels : List.of(Kernels.nativeKernels(), Kernels.reference(), Kernels.checked())) {
      good.put("batch", 0L);
      requireRefused(kernels, "instanceNormAverageStatistics", "batch is out of range: 0");
      good.put("batch", Long.MAX_VALUE);
      requireRefused(kernels, "instanceNormAverageStatistics", "batch is out of range: " + Long.MAX_VALUE);
      good.put("batch", PARTS);
    }
  }

  private static LayerNormDescriptor rows(long rows, long length, double epsilon, int threads) {
    return new LayerNormDescriptor(rows, length, epsilon, DataType.FLOAT32, threads);
  }

  private static BatchNormDescriptor descriptor(long n, long c, long s, double epsilon, int threads) {
    return new BatchNormDescriptor(n, c, s, epsilon, DataType.FLOAT32, Layout.CHANNELS_FIRST, threads);
  }
}
