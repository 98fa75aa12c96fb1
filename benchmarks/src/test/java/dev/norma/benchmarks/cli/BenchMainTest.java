package dev.norma.benchmarks.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.norma.benchmarks.ResultsFile;
import dev.norma.benchmarks.RunInfo;
import dev.norma.benchmarks.run.Fakes;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The command as a process of its own, with runners of the tests' own. */
class BenchMainTest {
  @TempDir Path folder;

  private Path registry;
  private Path shapes;
  private Path out;

  private record Result(int exitCode, List<String> out, List<String> err) {}

  @BeforeEach
  void setUp() throws IOException {
    registry = folder.resolve("registry.csv");
    shapes = Files.writeString(folder.resolve("tiny.csv"), "name,N,C,S,count\ntiny,2,3,4,1\n");
    out = folder.resolve("out");
    register("fine");
  }

  /** One implementation of Norma, which behaves so. */
  private void register(String behaviour) throws IOException {
    Files.writeString(registry, "implementation,language,kind,normalizations,types,layouts,threads,command\n"
        + "norma,Java,norma,batch layer group instance,f32 f64 bf16 f16,nchw nhwc,any,"
        + Fakes.command(behaviour) + "\n");
  }

  private Process start(List<String> arguments) throws IOException {
    // Where the tests run in the background, the signal may be ignored, and a JVM leaves it so.
    var command = new ArrayList<>(List.of("env", "--default-signal=INT",
        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
        "--enable-native-access=ALL-UNNAMED", "-Dnorma.bench.root=" + Path.of("..").toAbsolutePath().normalize(),
        "-cp", System.getProperty("java.class.path"), BenchMain.class.getName(), "bench"));
    command.addAll(arguments);
    return new ProcessBuilder(command)
        .directory(folder.toFile())
        .redirectOutput(folder.resolve("stdout").toFile())
        .redirectError(folder.resolve("stderr").toFile())
        .start();
  }

  private Result finish(Process process) throws IOException, InterruptedException {
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    return new Result(process.exitValue(), Files.readAllLines(folder.resolve("stdout")),
        Files.readAllLines(folder.resolve("stderr")));
  }

  private Result bench(String... arguments) throws IOException, InterruptedException {
    return finish(start(List.of(arguments)));
  }

  /** Options of a run that takes no time, but for others. */
  private String[] tiny(String... more) {
    var options = new LinkedHashMap<>(Map.of("--registry", registry.toString(), "--shapes", shapes.toString(),
        "--threads", "1", "--rounds", "2", "--time", "1", "--out", out.toString()));
    for (int i = 0; i < more.length; i += 2) {
      options.put(more[i], more[i + 1]);
    }
    return options.entrySet().stream()
        .flatMap(option -> Stream.of(option.getKey(), option.getValue()))
        .toArray(String[]::new);
  }

  @Test
  void aRunEndsInAReportAndSaysWhere() throws Exception {
    var result = bench(tiny("--passes", "forward-training", "--types", "f64"));

    assertThat(result.err()).isEmpty();
    assertThat(result.exitCode()).isZero();
    assertThat(result.out()).contains("Wrote " + out.resolve("report.html"), "Wrote " + out.resolve("results.csv"));
    assertThat(out.resolve("report.html")).isNotEmptyFile();
    assertThat(ResultsFile.read(out.resolve("results.csv"))).hasSize(2 * 2);
    assertThat(RunInfo.read(out).command())
        .startsWith("./norma bench --")
        .contains(" --passes forward-training")
        .doesNotContain("--out", out.toString());
  }

  @Test
  void operationsAndTypesAreMeasuredOneByOne() throws Exception {
    var result = bench(tiny(
        "--operations", "batch-norm,batch-norm-add-relu", "--types", "f32,bf16", "--layouts", "nchw"));

    assertThat(result.err()).isEmpty();
    assertThat(result.exitCode()).isZero();
    assertThat(ResultsFile.read(out.resolve("results.csv"))).allMatch(row -> row.note().isEmpty())
        .extracting(row -> row.measured().orElseThrow())
        .extracting(one -> one.operation() + " " + one.type())
        .containsOnly("batch-norm f32", "batch-norm bf16", "batch-norm-add-relu f32", "batch-norm-add-relu bf16")
        .hasSize(2 * 2 * 3 * 2);
    assertThat(out.resolve("report.md")).content().contains(" nchw, batch-norm-add-relu, tiny, bf16, 1 thread: medians");
  }

  @Test
  void operationsAreMeasuredWithTheShapesForThem() throws Exception {
    Files.writeString(shapes, "name,N,C,S,count,normalization,groups\na,2,3,4,1,batch,\nb,4,8,1,1,layer,\n"
        + "c,2,4,3,1,group,2\nd,2,3,5,1,instance,\n");

    var result = bench(tiny("--layouts", "nchw", "--passes", "backward-training"));

    assertThat(result.err()).isEmpty();
    assertThat(result.exitCode()).isZero();
    assertThat(result.out()).anyMatch(line -> line.startsWith("cases    5: batch-norm, layer-norm, rms-norm, "
        + "group-norm, instance-norm; backward-training; f32; nchw; threads 1"));
    assertThat(ResultsFile.read(out.resolve("results.csv"))).allMatch(row -> row.note().isEmpty())
        .extracting(row -> row.measured().orElseThrow().operation() + " " + row.measured().orElseThrow().shape().name())
        .containsOnly("batch-norm a", "layer-norm b", "rms-norm b", "group-norm c", "instance-norm d");
  }

  @Test
  void errorsOfHardInputsAreFoundForEveryNormalization() throws Exception {
    var operations = "layer-norm,rms-norm,group-norm,instance-norm";
    var result = bench("--registry", registry.toString(), "--accuracy", "--operations", operations, "--out",
        out.toString());

    assertThat(result.exitCode()).isZero();
    // The oracle is plain double, rounded once.
    assertThat(errors(result)).hasSize(4 * 2 * 6).allSatisfy(error -> assertThat(error).isBetween(0.0, 0.51));
    assertThat(out.resolve("accuracy.md")).content().contains("| f32 | rms-norm backward-training | constant 3.7 | 0.");
  }

  /** The reference computes in double and rounds once: at most half a unit, and a little of the mean's rounding. */
  @Test
  void errorsOfHardInputsAreATable() throws Exception {
    var result = bench(
        "--registry", registry.toString(), "--accuracy", "--types", "f32,f16", "--out", out.toString());

    assertThat(result.err()).isEmpty();
    assertThat(result.exitCode()).isZero();
    assertThat(errors(result)).hasSize(2 * 2 * 6).allSatisfy(error -> assertThat(error).isBetween(0.0, 0.51));
    assertThat(out.resolve("accuracy.md")).content().contains("| f16 | backward-training | constant 3.7 | 0.");
  }

  /** One element is off by 1; the largest values, gradients by tiny x, are below 2^10. */
  @Test
  void aWrongResultHasALargeError() throws Exception {
    register("wrong");

    var result = bench("--registry", registry.toString(), "--accuracy", "--out", out.toString());

    assertThat(errors(result)).hasSize(2 * 6).allSatisfy(error -> assertThat(error).isGreaterThan(1000));
  }

  private static List<Double> errors(Result result) {
    return result.out().stream()
        .filter(line -> line.startsWith("f"))
        .map(line -> Double.valueOf(line.substring(line.lastIndexOf(' ') + 1)))
        .toList();
  }

  @Test
  void theReportIsMadeAgainFromTheFolder() throws Exception {
    bench(tiny());
    Files.delete(out.resolve("report.md"));
    var readme = Files.writeString(folder.resolve("README.md"),
        "before\n<!-- results of ./norma bench -->\nold\n<!-- end of results -->\nafter\n");

    var result = bench("report", out.toString(), "--readme", readme.toString());

    assertThat(result.exitCode()).isZero();
    assertThat(out.resolve("report.md")).isNotEmptyFile();
    assertThat(readme).content().startsWith("before\n").endsWith("after\n").doesNotContain("old")
        .contains("./norma bench --");
    Files.writeString(readme, "no markers");
    assertThat(bench("report", out.toString(), "--readme", readme.toString()).err()).singleElement().asString()
        .startsWith("norma bench report: " + readme + ": has no lines '<!-- results of ./norma bench -->'");
    var results = out.resolve("results.csv").toString();
    assertThat(bench("compare", results, results).exitCode()).isZero();
  }

  @Test
  void normaThatIsWrongIsAFailure() throws Exception {
    register("wrong");
    assertThat(bench(tiny()).exitCode()).isEqualTo(1);
    assertThat(out.resolve("report.md")).content().contains("wrong");
  }

  @ParameterizedTest
  @CsvSource({"INT,130", "TERM,143"})
  void anInterruptedRunKeepsWhatItHasMeasured(String signal, int exitCode) throws Exception {
    var process = start(List.of(tiny("--rounds", "1000000")));
    awaitRows();

    new ProcessBuilder("kill", "-" + signal, Long.toString(process.pid())).start().waitFor();
    var result = finish(process);

    assertThat(result.err()).isEmpty();
    assertThat(result.exitCode()).isEqualTo(exitCode);
    assertThat(ResultsFile.read(out.resolve("results.csv"))).isNotEmpty().allMatch(row -> row.note().isEmpty());
    assertThat(out.resolve("report.md")).content().contains("interrupted after 0 of 6 cases");
    assertThat(process.descendants()).isEmpty();
  }

  private void awaitRows() throws IOException, InterruptedException {
    var results = out.resolve("results.csv");
    for (int i = 0; i < 600; i++) {
      if (Files.exists(results) && Files.readAllLines(results).size() > 2) {
        return;
      }
      TimeUnit.MILLISECONDS.sleep(100);
    }
    throw new AssertionError("no row after a minute");
  }

  private void assertRefused(int exitCode, String message, String... arguments) throws Exception {
    var result = bench(arguments);
    assertThat(result.err()).singleElement().asString().contains(message);
    assertThat(result.exitCode()).isEqualTo(exitCode);
    assertThat(result.out()).isEmpty();
    assertThat(out).doesNotExist();
  }

  @Test
  void whatCannotBeRunIsNamed() throws Exception {
    assertRefused(2, "--types: 'f8' is none of f32, f64, bf16, f16", tiny("--types", "f32,f8"));
    assertRefused(2, "--operations: 'relu' is none of batch-norm, batch-norm-relu, batch-norm-add-relu, layer-norm",
        tiny("--operations", "relu"));
    assertRefused(2, "--operations layer-norm: no shape is for that, see --shapes", tiny("--operations", "layer-norm"));
    assertRefused(2, "--implementations: 'torch' is none of norma", tiny("--implementations", "torch"));
    assertRefused(2, "--rounds must be at least 1, not 0", tiny("--rounds", "0"));
    assertRefused(2, "--threads must be from 1 to 1024, not [0]", tiny("--threads", "0"));
    assertRefused(2, "--python no/python: no such program", tiny("--python", "no/python"));
    assertRefused(1, "'resnet' is no set of shapes", tiny("--shapes", "resnet"));
    assertRefused(1, "no.csv: no such file or folder", tiny("--registry", "no.csv"));
  }

  @Test
  void resultsAreNotWrittenOver() throws Exception {
    Files.createDirectories(out);
    Files.writeString(out.resolve("results.csv"), "precious");
    var result = bench(tiny());
    assertThat(result.err()).singleElement().asString().contains("has results already, name another folder");
    assertThat(out.resolve("results.csv")).hasContent("precious");
  }
}
