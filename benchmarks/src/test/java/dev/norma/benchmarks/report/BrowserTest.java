package dev.norma.benchmarks.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.gson.Gson;
import dev.norma.benchmarks.Operation;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** report.html in a headless browser, where there is one. */
class BrowserTest {
  private static final int PLOTS = 6;
  private static final int CONTROLS = 4 + 3 + 2 + 2 + 2;

  /** A frame as wide as the test wants: a window cannot be as narrow as a phone. It shows what the page says. */
  private static final String FRAME = """
      <!DOCTYPE html>
      <iframe src="probed.html" style="width: %dpx; height: 800px; border: 0"></iframe>
      <pre></pre>
      <script>addEventListener('message', event => document.querySelector('pre').textContent = event.data);</script>
      """;

  /** Presses every control, and says what became of the page. */
  private static final String PROBE = """
      <script>
      addEventListener('load', () => {
        const controls = document.querySelectorAll('#controls input');
        controls.forEach(control => control.click());
        const {rendered, errors} = document.documentElement.dataset;
        parent.postMessage(JSON.stringify({
          rendered: Number(rendered),
          errors: errors ?? '',
          controls: controls.length,
          drawn: document.querySelectorAll('.plot svg path').length,
          tables: document.querySelectorAll('.ratios:not([hidden])').length,
          selection: document.getElementById('selection').textContent,
          captions: [...document.querySelectorAll('figcaption')].map(caption => caption.textContent),
          contentWidth: document.documentElement.scrollWidth,
          windowWidth: innerWidth,
        }), '*');
      });
      </script>
      </body>
      """;

  /** What the probe says. */
  private record Findings(
      int rendered,
      String errors,
      int controls,
      int drawn,
      int tables,
      String selection,
      List<String> captions,
      int contentWidth,
      int windowWidth) {}

  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(ints = {1440, 390})
  void drawsEveryPlotWithinThePage(int width) throws IOException, InterruptedException {
    Report.write(folder, SampleRun.info(), SampleRun.rows());
    var findings = probe(width);
    assertThat(findings.errors()).isEmpty();
    assertThat(findings.rendered()).isEqualTo(PLOTS);
    assertThat(findings.controls()).isEqualTo(CONTROLS);
    assertThat(findings.drawn()).isGreaterThan(100);
    assertThat(findings.tables()).isOne();
    assertThat(findings.selection()).isEqualTo("Shown: large, backward-training, nhwc, f64, 2 threads.");
    assertThat(findings.captions()).hasSize(PLOTS).allMatch(caption -> caption.matches("(?s).*\\d.*"));
    assertThat(findings.windowWidth()).isEqualTo(width);
    assertThat(findings.contentWidth()).isLessThanOrEqualTo(width);
  }

  @Test
  void doesWithoutResults() throws IOException, InterruptedException {
    Report.write(folder, Rows.info(), List.of());
    assertThat(probe(1440).errors()).isEmpty();
  }

  @Test
  void doesWithOneImplementationAndOneCase() throws IOException, InterruptedException {
    Report.write(folder, Rows.info(), new Rows().add("norma-c", Rows.nchw(Rows.SMALL), 10, 11).list());
    var findings = probe(1440);
    assertThat(findings.errors()).isEmpty();
    assertThat(findings.rendered()).isEqualTo(PLOTS);
  }

  @Test
  void letsChooseAmongOperations() throws IOException, InterruptedException {
    var rows = new Rows()
        .add("norma-c", Rows.nchw(Rows.SMALL), 10, 11)
        .add("norma-c", Rows.of(Operation.BATCH_NORM_RELU, "f32", Rows.SMALL), 12, 13);
    Report.write(folder, Rows.info(), rows.list());
    var findings = probe(1440);
    assertThat(findings.errors()).isEmpty();
    assertThat(findings.controls()).isEqualTo(2 + 5);
    assertThat(findings.tables()).isOne();
    assertThat(findings.selection())
        .isEqualTo("Shown: batch-norm-relu, net, forward-training, nchw, f32, 2 threads.");
  }

  @Test
  void whatIsChosenHasAlwaysBeenMeasured() throws IOException, InterruptedException {
    var rows = new Rows()
        .add("norma-c", Rows.nchw(Rows.SMALL), 10, 11)
        .add("norma-c", Rows.in("nhwc", Rows.SMALL), 10, 11)
        .add("norma-c", Rows.of(Operation.LAYER_NORM, "f32", Rows.ROWS), 12, 13);
    Report.write(folder, Rows.info(), rows.list());
    var findings = probe(1440);
    assertThat(findings.errors()).isEmpty();
    assertThat(findings.tables()).isOne();
    // The last set is of rows, and the last layout not.
    assertThat(findings.selection()).isEqualTo("Shown: batch-norm, net, forward-training, nhwc, f32, 2 threads.");
  }

  @Test
  void saysWhatIsNormalizedWhereItIsOneOperationAlone() throws IOException, InterruptedException {
    var rows = new Rows().add("norma-c", Rows.of(Operation.LAYER_NORM, "f32", Rows.ROWS), 12, 13);
    Report.write(folder, Rows.info(), rows.list());
    assertThat(probe(1440).selection())
        .isEqualTo("Shown: layer-norm, rows, forward-training, nchw, f32, 2 threads.");
  }

  private Findings probe(int width) throws IOException, InterruptedException {
    var browser = browser();
    assumeTrue(browser.isPresent(), "no chromium, chromium-browser or google-chrome on the PATH");
    var page = Files.readString(folder.resolve("report.html"));
    int end = page.lastIndexOf("</body>");
    Files.writeString(folder.resolve("probed.html"), page.substring(0, end) + PROBE + page.substring(end + 7));
    var frame = Files.writeString(folder.resolve("frame.html"), FRAME.formatted(width));
    var dom = dump(browser.get(), frame);
    var findings = Pattern.compile("<pre>(.+)</pre>").matcher(dom);
    assertThat(findings.find()).as("the page answers").isTrue();
    return new Gson().fromJson(findings.group(1), Findings.class);
  }

  private String dump(Path browser, Path page) throws IOException, InterruptedException {
    var dom = folder.resolve("dom.html");
    var process = new ProcessBuilder(
            browser.toString(),
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--user-data-dir=" + folder.resolve("profile"),
            "--window-size=1600,1000",
            "--virtual-time-budget=10000",
            "--dump-dom",
            page.toUri().toString())
        .redirectOutput(dom.toFile())
        .redirectError(folder.resolve("browser.log").toFile())
        .start();
    try {
      assertThat(process.waitFor(2, TimeUnit.MINUTES)).as("the browser ends").isTrue();
    } finally {
      process.destroyForcibly();
    }
    return Files.readString(dom);
  }

  private static Optional<Path> browser() {
    var folders = List.of(System.getenv("PATH").split(File.pathSeparator));
    return Stream.of("chromium", "chromium-browser", "google-chrome")
        .flatMap(name -> folders.stream().map(folder -> Path.of(folder, name)))
        .filter(Files::isExecutable)
        .findFirst();
  }
}
