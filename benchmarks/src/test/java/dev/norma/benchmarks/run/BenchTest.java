package dev.norma.benchmarks.run;

import static org.assertj.core.api.Assertions.assertThat;

import dev.norma.benchmarks.Case;
import dev.norma.benchmarks.Implementation;
import dev.norma.benchmarks.Implementation.Kind;
import dev.norma.benchmarks.Normalization;
import dev.norma.benchmarks.Operation;
import dev.norma.benchmarks.Pass;
import dev.norma.benchmarks.ResultsFile;
import dev.norma.benchmarks.Row;
import dev.norma.benchmarks.RunInfo;
import dev.norma.benchmarks.Shape;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whole runs, with runners of the tests' own. */
class BenchTest {
  private static final int ROUNDS = 4;
  private static final LongSupplier PLENTY = () -> 1L << 40;
  private static final Implementation NORMA = Fakes.implementation("norma", Kind.NORMA, "fine");

  @TempDir Path folder;

  private int rounds = ROUNDS;
  private List<Operation> operations = List.of(Operation.BATCH_NORM);
  private List<Shape> shapes =
      List.of(new Shape("test", "2x3x4", 2, 3, 4, 1), new Shape("test", "4x3", 4, 3, 1, 1));

  private Bench.Outcome run(LongSupplier memory, List<Pass> passes, Implementation... implementations)
      throws IOException {
    var settings = new Settings(folder, "./norma bench --test", List.of(implementations), shapes,
        operations, List.of("f32"), List.of("nchw", "nhwc"), passes, List.of(1),
        Optional.empty(), rounds, 1_000_000, folder);
    try (var interruption = new Interruption()) {
      return new Bench(settings, interruption, memory).run(new PrintWriter(new StringWriter()));
    }
  }

  private static List<Row> of(Bench.Outcome outcome, String implementation) {
    return outcome.rows().stream().filter(row -> row.implementation().equals(implementation)).toList();
  }

  @Test
  void everyRoundOfEveryCaseIsMeasured() throws IOException {
    var outcome = run(PLENTY, List.of(Pass.values()), NORMA, Fakes.implementation("copy", Kind.LIMIT, "copy"));

    assertThat(outcome.normaIsWrong()).isFalse();
    // 2x3x4 in both layouts, 4x3 in one.
    assertThat(of(outcome, "norma")).hasSize(3 * 3 * ROUNDS).allMatch(row -> row.note().isEmpty());
    assertThat(of(outcome, "copy")).hasSize(3 * 3 * ROUNDS).allMatch(row -> row.correct().equals(Optional.of(true)));
    assertThat(outcome.rows()).allMatch(row -> row.nanoseconds().orElseThrow() == 1000);
    assertThat(of(outcome, "norma").getFirst().version()).isEqualTo("fake 1.0, fine");
    assertThat(ResultsFile.read(folder.resolve("results.csv"))).hasSize(outcome.rows().size());
    assertThat(RunInfo.read(folder)).isEqualTo(outcome.info());
    assertThat(outcome.info().versions()).containsEntry("norma", "fake 1.0, fine");
    assertThat(outcome.info().notes()).isEmpty();
  }

  @Test
  void everyNormalizationIsMeasuredWithTheShapesForIt() throws IOException {
    shapes = List.of(
        new Shape("test", "2x3x4", 2, 3, 4, 1),
        new Shape("test", "5x8", Normalization.LAYER, 5, 8, 1, 1, 1),
        new Shape("test", "2x6x4", Normalization.GROUP, 2, 6, 4, 3, 1),
        new Shape("test", "2x3x5", Normalization.INSTANCE, 2, 3, 5, 3, 1));
    operations = List.of(Operation.values());
    var outcome = run(PLENTY, List.of(Pass.values()), NORMA, Fakes.implementation("copy", Kind.LIMIT, "copy"));

    // The copy of the tests knows no residual.
    assertThat(outcome.rows())
        .filteredOn(row -> row.measured().orElseThrow().operation() != Operation.BATCH_NORM_ADD_RELU)
        .allMatch(row -> row.note().isEmpty());
    // Both layouts; rows have one.
    assertThat(of(outcome, "norma").stream().map(row -> row.measured().orElseThrow())
            .collect(Collectors.groupingBy(Case::operation, Collectors.counting())))
        .isEqualTo(Map.of(
            Operation.BATCH_NORM, 2L * 3 * ROUNDS, Operation.BATCH_NORM_RELU, 2L * 3 * ROUNDS,
            Operation.BATCH_NORM_ADD_RELU, 2L * 3 * ROUNDS, Operation.LAYER_NORM, 2L * ROUNDS,
            Operation.RMS_NORM, 2L * ROUNDS, Operation.GROUP_NORM, 2L * 2 * ROUNDS,
            Operation.INSTANCE_NORM, 2L * 2 * ROUNDS));
    assertThat(ResultsFile.read(folder.resolve("results.csv"))).isEqualTo(outcome.rows());
  }

  @Test
  void runnersTakeTurnsRoundByRound() throws IOException {
    var outcome = run(PLENTY, List.of(Pass.FORWARD_TRAINING), NORMA, Fakes.implementation("peer", Kind.PEER, "fine"));

    assertThat(outcome.rows().subList(0, 2 * ROUNDS)).extracting(row -> row.round().orElseThrow())
        .containsExactly(0, 0, 1, 1, 2, 2, 3, 3);
    assertThat(outcome.rows().subList(0, 2 * ROUNDS)).extracting(Row::implementation)
        .containsOnly("norma", "peer").startsWith("norma", "peer");
  }

  @Test
  void aPeerThatIsMissingIsARowThatSaysWhy() throws IOException {
    var gone = new Implementation(
        "gone", "C", Kind.PEER, List.of(Normalization.BATCH), List.of("f32"), List.of("nchw", "nChw16c"), false,
        "{native}/gone");
    var none = Fakes.implementation("none", Kind.PEER, "missing");
    var outcome = run(PLENTY, List.of(Pass.FORWARD_TRAINING), NORMA, none, gone);

    assertThat(of(outcome, "none")).extracting(Row::note).containsExactly("missing: no such library");
    assertThat(of(outcome, "gone")).singleElement().satisfies(row -> {
      assertThat(row.measured()).isEmpty();
      assertThat(row.note()).startsWith("missing: " + folder).contains("does not exist");
    });
    assertThat(of(outcome, "norma")).hasSize(3 * ROUNDS);
    assertThat(outcome.info().versions()).containsOnlyKeys("norma");
  }

  @Test
  void aWrongPeerIsNotTimedAndNoFailure() throws IOException {
    var outcome = run(PLENTY, List.of(Pass.values()), NORMA, Fakes.implementation("peer", Kind.PEER, "wrong"));

    assertThat(outcome.normaIsWrong()).isFalse();
    assertThat(of(outcome, "peer")).hasSize(3 * 3).allSatisfy(row -> {
      assertThat(row.correct()).contains(false);
      assertThat(row.error().orElseThrow()).isGreaterThan(1000);
      assertThat(row.nanoseconds()).isEmpty();
      assertThat(row.note()).matches("wrong: (y|dx)\\[0] is .*, expected .* \\+- .*");
    });
    assertThat(of(outcome, "norma")).hasSize(3 * 3 * ROUNDS);
  }

  @Test
  void normaMayNotBeWrong() throws IOException {
    var wrong = Fakes.implementation("norma", Kind.NORMA, "wrong");
    assertThat(run(PLENTY, List.of(Pass.FORWARD_INFERENCE), wrong).normaIsWrong()).isTrue();
  }

  @Test
  void aRunnerThatDiesIsStartedAgainForTheNextCaseUntilItIsGivenUp() throws IOException {
    var outcome = run(PLENTY, List.of(Pass.FORWARD_TRAINING, Pass.FORWARD_INFERENCE), NORMA,
        Fakes.implementation("peer", Kind.PEER, "crash"));

    var notes = of(outcome, "peer").stream().map(Row::note).toList();
    assertThat(notes).hasSize(5);
    assertThat(notes.subList(0, 4)).allMatch(
        note -> note.equals("failed: exited with code 3: the library ended the process"));
    assertThat(notes.getLast()).isEqualTo(
        "missing: given up after 4 failures, the last: exited with code 3: the library ended the process");
    assertThat(of(outcome, "norma")).hasSize(3 * 2 * ROUNDS);
    assertThat(folder.resolve("runners/peer.log")).content().contains("the library ended the process");
  }

  @Test
  void aRunnerThatCannotOrFailsOrBabblesSaysSoInEachCase() throws IOException {
    var outcome = run(PLENTY, List.of(Pass.FORWARD_TRAINING), Fakes.implementation("a", Kind.PEER, "unsupported"),
        Fakes.implementation("b", Kind.PEER, "fail"), Fakes.implementation("c", Kind.PEER, "babble"), NORMA);

    assertThat(of(outcome, "a")).hasSize(3).allMatch(row -> row.note().equals("unsupported: no f32"));
    assertThat(of(outcome, "b")).hasSize(3).allMatch(row -> row.note().equals("failed: not today"));
    assertThat(of(outcome, "c")).hasSize(3).allMatch(row -> row.note().startsWith("failed: it said '42', expected "));
    assertThat(of(outcome, "norma")).hasSize(3 * ROUNDS);
  }

  @Test
  void aSlowRunnerHasFewerRoundsAndTheReaderIsTold() throws IOException {
    var outcome = run(PLENTY, List.of(Pass.FORWARD_TRAINING), NORMA, Fakes.implementation("slow", Kind.PEER, "slow"));

    assertThat(of(outcome, "slow").subList(0, 3)).extracting(row -> row.round().orElseThrow()).containsExactly(0, 1, 3);
    assertThat(of(outcome, "slow")).hasSize(3 * 3);
    assertThat(outcome.info().notes()).singleElement().asString().startsWith("slow: 3 rounds instead of 4 ");
  }

  @Test
  void whereMemoryIsShortEachRunnerHoldsItsTensorsForItsTurnOnly() throws IOException {
    // 96 bytes a tensor: 4 + 7 of them, and not 2 * 2 * 7.
    var outcome = run(() -> 1400, List.of(Pass.BACKWARD_TRAINING), NORMA,
        Fakes.implementation("peer", Kind.PEER, "fine"));

    assertThat(outcome.rows()).hasSize(2 * 3 * ROUNDS).allMatch(row -> row.correct().equals(Optional.of(true)));
  }

  @Test
  void whereMemoryIsShorterStillRunnersThatWaitAreEnded() throws IOException {
    // As long as nothing runs there are 1400 bytes.
    var calls = new AtomicInteger();
    rounds = 1;
    var outcome = run(() -> calls.incrementAndGet() <= 2 ? 1400 : 0, List.of(Pass.FORWARD_TRAINING), NORMA,
        Fakes.implementation("peer", Kind.PEER, "fine"));

    assertThat(outcome.rows()).hasSize(2 * 3).allMatch(row -> row.correct().equals(Optional.of(true)));
    // In two cases the peer's check and turn end it; it starts for all, for two turns, a check, and the small case.
    assertThat(folder.resolve("runners/norma.log")).content().hasLineCount(5);
  }

  @Test
  void whatDoesNotFitIntoMemoryIsSaidToBe() throws IOException {
    var outcome = run(() -> 700, List.of(Pass.FORWARD_TRAINING), NORMA);

    assertThat(outcome.rows().getFirst().note()).isEqualTo("unsupported: needs 0.0 GB, 0.0 GB are free");
    assertThat(outcome.rows()).hasSize(2 + ROUNDS);
  }

  @Test
  void nothingIsLeftBehind() throws IOException {
    var before = leftovers();
    run(PLENTY, List.of(Pass.FORWARD_TRAINING), NORMA, Fakes.implementation("peer", Kind.PEER, "wrong"));

    assertThat(leftovers()).isEqualTo(before);
    assertThat(ProcessHandle.current().descendants()).isEmpty();
  }

  private static List<Path> leftovers() throws IOException {
    var temporary = Path.of(System.getProperty("java.io.tmpdir"));
    try (var files = Stream.concat(Files.list(Path.of("/dev/shm")), Files.list(temporary))) {
      return files.filter(file -> file.getFileName().toString().startsWith("norma-bench-")).sorted().toList();
    }
  }
}
