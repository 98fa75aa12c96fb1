package dev.norma.benchmarks.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.norma.benchmarks.Operation;
import dev.norma.benchmarks.Pass;
import dev.norma.benchmarks.Shape;
import java.util.Optional;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

class ResultsTest {
  private static final Offset<Double> ROUNDING = within(1e-12);

  private static Mean ratio(Results results, String over, String under) {
    return results.ratio(over, under, Selection.of(Rows.nchw(Rows.SMALL))).orElseThrow();
  }

  @Test
  void takesQuartilesBetweenValues() {
    assertThat(Spread.of(4, 1, 3, 2)).isEqualTo(new Spread(1.75, 2.5, 3.25));
    assertThat(Spread.of(7)).isEqualTo(new Spread(7, 7, 7));
  }

  @Test
  void dividesRoundByRoundWhereBothHaveOne() {
    var one = Rows.nchw(Rows.SMALL);
    var results = new Rows()
        .add("norma-c", one, 5, 7, 20, 20)
        .addRound("onednn", one, 0, 10)
        .addRound("onednn", one, 2, 60)
        .addRound("onednn", one, 3, 20)
        .addRound("onednn", one, 8, 1)
        .results();
    // 10 / 5, 60 / 20, 20 / 20
    assertThat(results.ratio("onednn", "norma-c", one)).contains(new Spread(1.5, 2, 2.5));
  }

  @Test
  void hasNoRatioWithoutARoundInCommon() {
    var one = Rows.nchw(Rows.SMALL);
    var results = new Rows().addRound("norma-c", one, 0, 5).addRound("onednn", one, 1, 5).results();
    assertThat(results.ratio("onednn", "norma-c", one)).isEmpty();
  }

  @Test
  void weighsShapesByCount() {
    var results = new Rows()
        .add("norma-c", Rows.nchw(Rows.SMALL), 10)
        .add("norma-c", Rows.nchw(Rows.LARGE), 10)
        .add("onednn", Rows.nchw(Rows.SMALL), 20)
        .add("onednn", Rows.nchw(Rows.LARGE), 80)
        .results();
    var mean = ratio(results, "onednn", "norma-c");
    // (2^3 * 8)^(1/4)
    assertThat(mean.value()).isCloseTo(Math.pow(2, 1.5), ROUNDING);
    assertThat(mean).hasToString("2.83×");
  }

  @Test
  void saysOverHowManyShapesAMeanGoes() {
    var results = new Rows()
        .add("norma-c", Rows.nchw(Rows.SMALL), 10)
        .add("norma-c", Rows.nchw(Rows.LARGE), 10)
        .add("onednn", Rows.nchw(Rows.SMALL), 20)
        .addNote("onednn", Optional.of(Rows.nchw(Rows.LARGE)), "failed: crashed")
        .results();
    assertThat(ratio(results, "onednn", "norma-c")).hasToString("2.00× (1 of 2)");
  }

  @Test
  void comparesTheBlockedLayoutWithNchw() {
    var results = new Rows()
        .add("norma-c", Rows.nchw(Rows.SMALL), 10)
        .add("norma-c", Rows.in("nhwc", Rows.SMALL), 20)
        .add("onednn", Rows.in("nChw16c", Rows.SMALL), 15)
        .results();
    assertThat(ratio(results, "onednn nChw16c", "norma-c").value()).isCloseTo(1.5, ROUNDING);
    assertThat(results.cases()).containsExactly(Rows.nchw(Rows.SMALL), Rows.in("nhwc", Rows.SMALL));
    assertThat(results.find("onednn nChw16c", Rows.in("nhwc", Rows.SMALL))).isEmpty();
  }

  @Test
  void comparesAnyLayoutThatNormaDoesNotHaveWithNchw() {
    var results = new Rows()
        .add("norma-c", Rows.nchw(Rows.SMALL), 10)
        .add("norma-c", Rows.nchw(Rows.LARGE), 10)
        .add("norma-c", Rows.in("nhwc", Rows.LARGE), 10)
        .add("onednn", Rows.in("nhwc", Rows.SMALL), 30)
        .add("onednn", Rows.in("nhwc", Rows.LARGE), 20)
        .results();
    assertThat(results.ratio("onednn nhwc", "norma-c", Rows.nchw(Rows.SMALL)).orElseThrow().median()).isEqualTo(3);
    assertThat(results.ratio("onednn", "norma-c", Rows.in("nhwc", Rows.LARGE)).orElseThrow().median()).isEqualTo(2);
    assertThat(results.cases(Selection.of(Rows.in("nhwc", Rows.SMALL)))).containsExactly(Rows.in("nhwc", Rows.LARGE));
  }

  @Test
  void showsPeersWithoutNorma() {
    var results = new Rows().add("onednn", Rows.in("nChw16c", Rows.SMALL), 15).results();
    assertThat(results.find("onednn", Rows.in("nChw16c", Rows.SMALL))).isPresent();
  }

  @Test
  void takesTheBestLayoutShapeByShape() {
    var results = new Rows()
        .add("norma-c", Rows.nchw(Rows.SMALL), 10)
        .add("norma-c", Rows.in("nhwc", Rows.SMALL), 5)
        .add("norma-c", Rows.nchw(Rows.LARGE), 10)
        .add("onednn", Rows.nchw(Rows.SMALL), 30)
        .add("onednn", Rows.in("nhwc", Rows.SMALL), 20)
        .add("onednn", Rows.in("nChw16c", Rows.SMALL), 25)
        .add("onednn", Rows.nchw(Rows.LARGE), 40)
        .add("onednn", Rows.in("nChw16c", Rows.LARGE), 15)
        .results();
    assertThat(results.ratio("onednn-best", "norma-c", Rows.nchw(Rows.SMALL)).orElseThrow().median()).isEqualTo(2);
    assertThat(results.ratio("onednn-best", "norma-c", Rows.in("nhwc", Rows.SMALL)).orElseThrow().median())
        .isEqualTo(4);
    var large = results.find("onednn-best", Rows.nchw(Rows.LARGE)).orElseThrow();
    assertThat(large.time().median()).isEqualTo(15);
    assertThat(large.measured().layout()).isEqualTo("nChw16c");
  }

  @Test
  void limitsByTheFasterCopy() {
    var results = new Rows()
        .add("norma-c", Rows.nchw(Rows.SMALL), 12)
        .add("norma-c", Rows.nchw(Rows.LARGE), 12)
        .add("copy", Rows.nchw(Rows.SMALL), 6)
        .add("copy-streaming", Rows.nchw(Rows.SMALL), 8)
        .add("copy", Rows.nchw(Rows.LARGE), 9)
        .add("copy-streaming", Rows.nchw(Rows.LARGE), 4)
        .results();
    assertThat(results.ratio("norma-c", Results.LIMIT, Rows.nchw(Rows.SMALL)).orElseThrow().median()).isEqualTo(2);
    assertThat(results.ratio("norma-c", Results.LIMIT, Rows.nchw(Rows.LARGE)).orElseThrow().median()).isEqualTo(3);
  }

  @Test
  void comparesWhatHasOneThreadWithEveryNumberOfThreads() {
    var results = new Rows()
        .add("norma-c", Rows.withThreads(1, "nchw", Rows.SMALL), 20)
        .add("norma-c", Rows.withThreads(2, "nchw", Rows.SMALL), 10)
        .add("numpy", Rows.withThreads(1, "nchw", Rows.SMALL), 60)
        .results();
    assertThat(results.ratio("numpy", "norma-c", Rows.withThreads(1, "nchw", Rows.SMALL)).orElseThrow().median())
        .isEqualTo(3);
    assertThat(ratio(results, "numpy", "norma-c").value()).isCloseTo(6, ROUNDING);
    assertThat(new RatioTables(results, results.headline().orElseThrow()).peers().rows().getFirst().getFirst().text())
        .isEqualTo("numpy (1 thread)");
  }

  @Test
  void relatesSpeedToNormaWithTheFewestThreads() {
    var one = Rows.withThreads(1, "nchw", Rows.SMALL);
    var two = Rows.withThreads(2, "nchw", Rows.SMALL);
    var results = new Rows().add("norma-c", one, 20).add("norma-c", two, 10).add("onednn", two, 40).results();
    assertThat(results.speed("norma-c", Selection.of(two), 1).orElseThrow().value()).isCloseTo(2, ROUNDING);
    assertThat(results.speed("onednn", Selection.of(two), 1).orElseThrow().value()).isCloseTo(0.5, ROUNDING);
  }

  @Test
  void keepsOperationsAndTypesApart() {
    var plain = Rows.nchw(Rows.SMALL);
    var relu = Rows.of(Operation.BATCH_NORM_RELU, "bf16", Rows.SMALL);
    var results = new Rows()
        .add("norma-c", relu, 10)
        .add("norma-c", plain, 20)
        .add("copy", relu, 5)
        .add("copy", plain, 5)
        .results();
    assertThat(results.groups()).hasToString("[batch-norm-relu, net, bf16, 2 threads, net, f32, 2 threads]");
    assertThat(results.headline()).map(Selection.Group::operation).contains(Operation.BATCH_NORM);
    assertThat(results.ratio("norma-c", Results.LIMIT, Selection.of(relu)).orElseThrow().value())
        .isCloseTo(2, ROUNDING);
    assertThat(results.ratio("norma-c", Results.LIMIT, Selection.of(plain)).orElseThrow().value())
        .isCloseTo(4, ROUNDING);
  }

  @Test
  void ofANormalizationAloneItStandsFirst() {
    var layer = Rows.of(Operation.LAYER_NORM, "f32", Rows.ROWS);
    var results = new Rows()
        .add("norma-c", Rows.of(Operation.RMS_NORM, "f32", Rows.ROWS), 10)
        .add("norma-c", layer, 20)
        .results();
    assertThat(results.groups()).hasToString("[rms-norm, rows, f32, 2 threads, layer-norm, rows, f32, 2 threads]");
    assertThat(results.headline()).map(Selection.Group::operation).contains(Operation.LAYER_NORM);
    assertThat(layer.traffic()).isEqualTo(2L * 8 * 768 * Float.BYTES);
  }

  @Test
  void countsTheStreamsOfEveryOperation() {
    var bytes = Rows.nchw(Rows.SMALL).tensorBytes();
    assertThat(Rows.nchw(Rows.SMALL).traffic()).isEqualTo(2 * bytes);
    assertThat(Rows.of(Operation.BATCH_NORM_RELU, "f64", Rows.SMALL).traffic()).isEqualTo(2 * 2 * bytes);
    assertThat(Rows.of(Operation.BATCH_NORM_ADD_RELU, "f16", Rows.SMALL).traffic()).isEqualTo(3 * bytes / 2);
    assertThat(Pass.BACKWARD_TRAINING.streams(Operation.BATCH_NORM_RELU)).isEqualTo(3);
    assertThat(Pass.BACKWARD_TRAINING.streams(Operation.BATCH_NORM_ADD_RELU)).isEqualTo(5);
  }

  @Test
  void putsTheSetWithTheMostLayersFirst() {
    var single = new Shape("single", "one", 1, 1, 1, 1);
    var results = new Rows()
        .add("norma-c", Rows.withThreads(4, "nchw", single), 1)
        .add("norma-c", Rows.withThreads(1, "nchw", Rows.SMALL), 1)
        .add("norma-c", Rows.withThreads(2, "nchw", Rows.SMALL), 1)
        .results();
    assertThat(results.headline()).contains(new Selection.Group(Operation.BATCH_NORM, "net", "f32", 2));
  }

  @Test
  void writesNumbersWithThreeDigits() {
    assertThat(Units.time(0.5)).isEqualTo("0.50 ns");
    assertThat(Units.time(999.4)).isEqualTo("999 ns");
    assertThat(Units.time(999.6)).isEqualTo("1.00 µs");
    assertThat(Units.time(12_345_678)).isEqualTo("12.3 ms");
    assertThat(Units.bytes(411_041_792)).isEqualTo("411 MB");
    assertThat(Units.digits(12_345)).isEqualTo("12,300");
    assertThat(Units.ratio(0.956)).isEqualTo("0.96×");
    assertThat(Units.ratio(13.56)).isEqualTo("13.6×");
  }
}
