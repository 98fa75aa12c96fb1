package dev.norma.benchmarks.report;

import static org.assertj.core.api.Assertions.assertThat;

import dev.norma.benchmarks.Operation;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReportTest {
  private static final String ECHARTS = "/META-INF/resources/webjars/echarts/5.5.0/echarts.min.js";

  @TempDir Path folder;

  private static Rows rows() {
    return new Rows()
        .add("norma-c", Rows.nchw(Rows.SMALL), 10, 10)
        .add("norma-c", Rows.nchw(Rows.LARGE), 1000, 1000)
        .add("norma-java", Rows.nchw(Rows.SMALL), 12, 12)
        .add("onednn", Rows.nchw(Rows.SMALL), 9, 9)
        .add("onednn", Rows.nchw(Rows.LARGE), 900, 900)
        .add("copy", Rows.nchw(Rows.SMALL), 8, 8)
        .addNote("numpy", Optional.empty(), "missing: no module named numpy")
        .addNote("onednn", Optional.of(Rows.in("nhwc", Rows.SMALL)), "wrong: dy differs");
  }

  private String written(String file) throws IOException {
    Report.write(folder, Rows.info(), rows().list());
    return Files.readString(folder.resolve(file));
  }

  @Test
  void saysInMarkdownWhatWasFound() throws IOException {
    assertThat(written("report.md"))
        .startsWith("""
            # Norma beside its peers

            Norma is at least as fast in 0 of 2 comparisons with 2 peers: it has 0.90× the speed of onednn in \
            forward-training nchw and 0.90× that of onednn in forward-training nchw, and takes 1.25× the time of \
            a copy of the same bytes. Geometric means over 2 shapes of net, f32, 2 threads.
            """)
        .contains("| command | ./norma bench |")
        .contains("""
            | peer | forward-training nchw |
            | --- | ---: |
            | onednn | 0.90× |
            | onednn-best | 0.90× |
            """)
        .contains("| norma-java / norma-c | 1.20× (1 of 2) |", "| norma-c / copy limit | 1.25× (1 of 2) |")
        .contains("""
            | onednn | **wrong: dy differs** | forward-training f32 nhwc small, 2 threads |
            | numpy | missing: no module named numpy | everywhere |
            """)
        .contains("""
            | small | 10.0 ns | 12.0 ns | 9.00 ns | 9.00 ns | 8.00 ns | 8.00 ns |
            | large | 1.00 µs | – | 900 ns | 900 ns | – | – |
            """);
  }

  @Test
  void hasASectionForEveryOperationAndType() throws IOException {
    var relu = Rows.of(Operation.BATCH_NORM_ADD_RELU, "bf16", Rows.SMALL);
    Report.write(folder, Rows.info(), rows().add("norma-c", relu, 10, 10).add("onednn", relu, 30, 30).list());
    assertThat(Files.readString(folder.resolve("report.md")))
        .contains("""
            ### Norma's speed-up over each peer: net, f32, 2 threads

            | peer | forward-training nchw |
            | --- | ---: |
            | onednn | 0.90× |
            """)
        .contains("""
            ### Norma's speed-up over each peer: batch-norm-add-relu, net, bf16, 2 threads

            | peer | forward-training nchw |
            | --- | ---: |
            | onednn | 3.00× |
            """);
    assertThat(folder.resolve("report.html")).content().contains(
        "data-operation=\"batch-norm\" data-set=\"net\" data-type=\"f32\" data-threads=\"2\"",
        "data-operation=\"batch-norm-add-relu\" data-set=\"net\" data-type=\"bf16\" data-threads=\"2\"");
  }

  @Test
  void namesTheNormalizationWhereItIsNotThatOfBatches() throws IOException {
    var rms = Rows.of(Operation.RMS_NORM, "f32", Rows.ROWS);
    var rows = new Rows()
        .add("norma-c", rms, 10, 10)
        .add("onednn", rms, 20, 20)
        .addNote("numpy", Optional.of(rms), "failed: x");
    Report.write(folder, Rows.info(), rows.list());
    assertThat(Files.readString(folder.resolve("report.md")))
        .contains("Geometric means over 1 shape of rms-norm, rows, f32, 2 threads.")
        .contains("### Norma's speed-up over each peer: rms-norm, rows, f32, 2 threads")
        .contains("| numpy | failed: x | rms-norm forward-training f32 nchw 8x768, 2 threads |");
    assertThat(folder.resolve("report.html")).content().contains(
        "data-operation=\"rms-norm\" data-set=\"rows\" data-type=\"f32\" data-threads=\"2\"",
        "<td class=\"text\">rms-norm forward-training</td>");
    assertThat(Report.summary(Rows.info(), rows.list())).contains("rms-norm, rows, f32, 2 threads");
  }

  @Test
  void summarizesForTheTerminal() {
    assertThat(Report.summary(Rows.info(), rows().list()))
        .startsWith("Norma is at least as fast in 0 of 2 comparisons")
        .contains("onednn                                0.90×")
        .endsWith("1 implementation computed wrong results: see the report.\n");
  }

  @Test
  void hasASectionForTheReadme() {
    assertThat(Report.readme(Rows.info(), rows().list()))
        .startsWith("""
            `./norma bench` at commit abc, on cores: 2.

            Geometric means over 2 shapes of net, f32, 2 threads.""")
        .contains("| onednn | 0.90× |\n", "| norma-c / copy limit | 1.25× (1 of 2) |\n");
  }

  @Test
  void isWrittenForARunThatMeasuredNothing() throws IOException {
    Report.write(folder, Rows.info(), List.of());
    assertThat(Files.readString(folder.resolve("report.md")))
        .contains("There is nothing to compare");
    assertThat(folder.resolve("report.html")).content().contains("There is nothing to compare");
    assertThat(Report.summary(Rows.info(), List.of())).startsWith("There is nothing to compare");
    assertThat(Report.readme(Rows.info(), List.of())).endsWith("No case was measured.\n");
  }

  @Test
  void judgesByMeansOverAllShapes() {
    var rows = rows().add("numpy", Rows.nchw(Rows.SMALL), 5, 5);
    assertThat(new Verdict(rows.results()).sentence()).startsWith("Norma is at least as fast in 0 of 2 comparisons");
    assertThat(Report.summary(Rows.info(), rows.list())).contains("numpy (1 thread)", "0.50× (1 of 2)");
  }

  @Test
  void refersToNothingOutsideOfItself() throws IOException {
    String page = written("report.html").replace(echarts(), "");
    assertThat(page).doesNotContain("http:", "https:", "url(", "@import", "src=");
    assertThat(page).containsOnlyOnce("href=").contains("href=\"data:,\"");
  }

  private static String echarts() throws IOException {
    try (var stream = ReportTest.class.getResourceAsStream(ECHARTS)) {
      return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  @Test
  void takesNoTextForMarkup() throws IOException {
    Report.write(folder, SampleRun.info(), SampleRun.rows());
    var page = Files.readString(folder.resolve("report.html"));
    assertThat(page).doesNotContain("</script><img", "{{").contains("&lt;/script&gt;&lt;img");
    assertThat(page.split("</script>", -1)).hasSize(5);
    assertThat(Files.readString(folder.resolve("report.md")))
        .contains("&lt;/script>&lt;img", "\\| \"a\" &amp; \\`b\\`");
  }

  @Test
  void listsWhatManyCasesWithOneReasonHaveInCommon() {
    var cases = Stream.of("nchw", "nhwc").flatMap(layout -> Stream.of(Rows.SMALL, Rows.LARGE)
        .map(shape -> Rows.in(layout, shape)));
    var rows = new Rows();
    cases.forEach(one -> rows.addNote("numpy", Optional.of(one), "failed: no memory"));
    assertThat(Problem.of(rows.list())).singleElement().extracting(Problem::where)
        .isEqualTo("4 cases: forward-training; f32; nchw, nhwc; net; 2 threads");
  }
}
