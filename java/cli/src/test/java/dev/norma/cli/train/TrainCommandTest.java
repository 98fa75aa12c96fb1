package dev.norma.cli.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.norma.cli.Cli;
import dev.norma.cli.data.IdxBytes;
import java.awt.Color;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrainCommandTest {
  private static final int WITHOUT = 0;
  private static final int WITH = 1;
  private static final int LAYER = 2;

  @TempDir Path folder;

  private Cli.Result train(String... options) {
    var arguments = Stream.concat(Stream.of("train", "--out", folder.toString()), Stream.of(options));
    return Cli.run(arguments.toArray(String[]::new));
  }

  private Cli.Result trainWell(String... options) {
    var result = train(options);
    assertThat(result.err().lines()).allMatch(line -> line.matches("with(out| \\w+) normalization: epoch .*"));
    assertThat(result.exitCode()).isZero();
    return result;
  }

  private String curves() throws IOException {
    return Files.readString(folder.resolve("curves.csv"));
  }

  private Path imageFolder(String part, int count) throws IOException {
    var images = Files.createDirectories(folder.resolve("images"));
    IdxBytes.writePair(images, part, count, new Random(count), true);
    return images;
  }

  @Test
  void reaches95PercentOnTheDigits() throws IOException {
    long start = System.nanoTime();
    var result = trainWell();
    assertThat(System.nanoTime() - start).as("well under a minute").isLessThan(40_000_000_000L);
    assertThat(result.out()).contains("1,079 training, 359 validation and 359 test images of 64 pixels");
    assertThat(result.percent("test accuracy", WITH)).isGreaterThanOrEqualTo(95);
    assertThat(result.row("ended by")).startsWith("the condition", "the condition");
    assertThat(result.out()).contains("Where the text is at odds with itself");
    assertThat(result.out()).contains("Wrote " + folder.resolve("curves.csv"), "Wrote " + folder.resolve("curves.png"));
    assertDrawn(ImageIO.read(folder.resolve("curves.png").toFile()));
    assertThat(curves().lines().skip(1)).allMatch(line -> line.matches("(none|batch),\\d+(,\\d+\\.\\d+){5}"));
  }

  private static void assertDrawn(BufferedImage picture) {
    assertThat(picture.getWidth()).isEqualTo(1200);
    for (int half = 0; half < 2; half++) {
      for (int color : new int[] {0x0072B2, 0xD55E00}) {
        assertThat(count(picture, half, new Color(color)))
            .as("pixels of color %06x in half %d", color, half)
            .isGreaterThan(500);
      }
    }
  }

  private static int count(BufferedImage picture, int half, Color color) {
    int height = picture.getHeight() / 2;
    int count = 0;
    for (int y = half * height; y < (half + 1) * height; y++) {
      for (int x = 0; x < picture.getWidth(); x++) {
        count += picture.getRGB(x, y) == color.getRGB() ? 1 : 0;
      }
    }
    return count;
  }

  private static long darkPixels(BufferedImage picture, int top, int bottom) {
    return IntStream.range(top * picture.getWidth(), bottom * picture.getWidth())
        .filter(i -> new Color(picture.getRGB(i % picture.getWidth(), i / picture.getWidth())).getRed() < 100)
        .count();
  }

  @Test
  void theSeedDecidesTheResult() throws IOException {
    trainWell("--epochs", "2", "--seed", "5");
    String first = curves();
    trainWell("--epochs", "2", "--seed", "5");
    assertThat(curves()).isEqualTo(first);
    trainWell("--epochs", "2", "--seed", "6");
    assertThat(curves()).isNotEqualTo(first);
  }

  @Test
  void bothLayersTrainAlike() throws IOException {
    trainWell("--epochs", "2", "--layer", "norma");
    var norma = curves().lines().filter(line -> line.startsWith("batch,")).toList();
    trainWell("--epochs", "2", "--layer", "djl");
    var djl = curves().lines().filter(line -> line.startsWith("batch,")).toList();
    assertThat(djl).hasSameSizeAs(norma).hasSize(34);
    for (int i = 0; i < norma.size(); i++) {
      // Float rounding, 1e-7, grown by 34 steps of descent; another momentum or variance changes the first digits.
      assertThat(validationLoss(djl.get(i))).isCloseTo(validationLoss(norma.get(i)),
          within(1e-3));
    }
  }

  private static double validationLoss(String line) {
    return Double.parseDouble(line.split(",")[5]);
  }

  @Test
  void everyCallCanBeChecked() {
    assertThat(trainWell("--epochs", "1", "--check").out())
        .contains("batch normalization by norma, every call compared with the reference")
        .contains("Every call of the kernels agreed with the reference.");
  }

  @Test
  void savedNetworksGoOnWhereTheyStopped() {
    var file = folder.resolve("networks.safetensors").toString();
    var saved = trainWell("--epochs", "3", "--save", file);
    assertThat(saved.out()).contains("Wrote " + file);
    var loaded = trainWell("--epochs", "0", "--load", file, "--seed", "99");
    assertThat(loaded.row("test accuracy")).isEqualTo(saved.row("test accuracy"));
    assertThat(loaded.row("ended by")).startsWith("not trained", "not trained");
    assertThat(loaded.out()).doesNotContain("curves.png");
    var other = trainWell("--epochs", "0", "--load", file, "--layer", "djl");
    assertThat(other.row("test accuracy")).isEqualTo(saved.row("test accuracy"));
  }

  @Test
  void refusesFilesThatItCannotLoad() throws IOException {
    var file = Files.writeString(folder.resolve("broken"), "no networks");
    var broken = train("--load", file.toString());
    assertThat(broken.exitCode()).isEqualTo(1);
    assertThat(broken.err().lines()).singleElement().asString().startsWith("norma train: " + file + ": ");

    var networks = folder.resolve("networks").toString();
    trainWell("--epochs", "0", "--save", networks);
    var other = train("--load", networks, "--data", imageFolder("train", 200).toString());
    assertThat(other.exitCode()).isEqualTo(1);
    assertThat(other.err().strip()).isEqualTo(
        "norma train: " + networks + ": none.fc1.weight has shape (128, 64), this network needs (128, 30)");

    var missing = train("--load", folder.resolve("none").toString());
    assertThat(missing.err().strip()).isEqualTo("norma train: " + folder.resolve("none") + ": no such file or folder");
  }

  @Test
  void trainsOnFilesInIdxFormat() throws IOException {
    var images = imageFolder("train", 600);
    imageFolder("t10k", 100);
    var result = trainWell("--data", images.toString(), "--batch-size", "19", "--stop-loss", "0.05");
    assertThat(result.out()).contains("570 training, 30 validation and 100 test images of 30 pixels");
    assertThat(result.percent("test accuracy", WITHOUT)).isGreaterThanOrEqualTo(95);
    assertThat(result.percent("test accuracy", WITH)).isGreaterThanOrEqualTo(95);
  }

  @Test
  void saysAloudThatItSplitsASingleFile() throws IOException {
    var result = trainWell("--data", imageFolder("t10k", 300).toString(), "--epochs", "1");
    assertThat(result.out()).contains("only its test files (t10k), split by lot");
  }

  @Test
  void saysWhichByteOfADataFileIsWrong() throws IOException {
    var images = imageFolder("train", 200);
    var labels = images.resolve("train-labels-idx1-ubyte.gz");
    Files.write(labels, IdxBytes.gzip(IdxBytes.labels(new int[199])));
    var result = train("--data", images.toString());
    assertThat(result.exitCode()).isEqualTo(1);
    assertThat(result.err().strip()).isEqualTo("norma train: " + labels + ", byte 4: expected 200 labels, as many as "
        + "train-images-idx3-ubyte.gz has images, found 199");
  }

  @Test
  void severalRunsHaveSeedsOfTheirOwn() throws IOException {
    var result = train("--epochs", "1", "--runs", "2", "--seed", "5");
    assertThat(result.exitCode()).isZero();
    assertThat(result.err().lines()).hasSize(4)
        .allMatch(line -> line.matches("with(out| batch) normalization, run [12]: epoch 1, .*"));
    assertThat(result.out()).contains("seeds 5 to 6", "2 runs, mean ± dev.");
    assertThat(result.row("test accuracy")[WITH]).matches("\\d+\\.\\d\\d ± \\d+\\.\\d\\d %");
    var second = curves().lines().filter(line -> line.endsWith(",6")).map(line -> line.replaceAll(",6$", "")).toList();
    trainWell("--epochs", "1", "--seed", "6");
    assertThat(curves().lines().skip(1)).containsExactlyElementsOf(second);
  }

  @Test
  void oneNormalizationAloneTrainsAsItDoesBesideAnother() throws IOException {
    trainWell("--epochs", "1");
    var beside = curves().lines().filter(line -> line.startsWith("batch,")).toList();
    var alone = trainWell("--epochs", "1", "--normalization", "batch");
    assertThat(curves().lines().skip(1)).containsExactlyElementsOf(beside);
    assertThat(alone.row("normalization")).containsExactly("batch", "none", "batch");
  }

  @Test
  void aBatchLargerThanTheDataSetIsMisuse() {
    var result = train("--batch-size", "1080");
    assertThat(result.exitCode()).isEqualTo(2);
    assertThat(result.out()).isEmpty();
    assertThat(result.err()).contains("--batch-size must be at most 1079, the number of training images, not 1080");
  }

  @Test
  void leNetShowsWhatItsFirstNormalizationHasLearnt() throws IOException {
    var result = trainWell("--network", "lenet", "--epochs", "6");
    assertThat(result.out()).contains("Network:  LeNet", "at most 6 epochs", "of 64 pixels");
    assertThat(result.row("loss")).hasSize(4);
    assertThat(result.percent("training accuracy", WITH)).isGreaterThan(80);
    assertThat(result.percent("test accuracy", WITH)).isGreaterThan(80);
    assertThat(result.row("examples per second")[WITH]).matches("[\\d,]+");
    assertThat(result.out()).containsPattern("  batch +gamma( +-?\\d\\.\\d{4}){6}\n +beta ( +-?\\d\\.\\d{4}){6}\n");
    assertThat(result.out()).contains("  the text     gamma   2.6914").doesNotContain("  none         gamma");
    assertThat(curves().lines()).hasSize(13);
    assertThat(folder.resolve("curves.png")).isNotEmptyFile();
  }

  @Test
  void leNetTakesItsSeedsAndFilesAsThePerceptronDoes() throws IOException {
    var file = folder.resolve("lenet.safetensors").toString();
    var first = trainWell("--network", "lenet", "--epochs", "1", "--save", file);
    String curves = curves();
    trainWell("--network", "lenet", "--epochs", "1");
    assertThat(curves()).isEqualTo(curves);
    var loaded = trainWell("--network", "lenet", "--epochs", "0", "--load", file);
    assertThat(loaded.row("test accuracy")).isEqualTo(first.row("test accuracy"));
    assertThat(loaded.row("examples per second")).startsWith("-", "-");
    var other = train("--epochs", "0", "--load", file);
    assertThat(other.err()).contains(file + ": none.fc1.weight has shape (120, 256)");
  }

  @Test
  void bothLayersTrainLeNetAlike() throws IOException {
    String[] options = {"--network", "lenet", "--epochs", "1", "--normalization", "batch", "--layer"};
    trainWell(Stream.concat(Stream.of(options), Stream.of("norma")).toArray(String[]::new));
    var norma = curves().lines().skip(1).toList();
    trainWell(Stream.concat(Stream.of(options), Stream.of("djl")).toArray(String[]::new));
    var djl = curves().lines().skip(1).toList();
    assertThat(djl).hasSameSizeAs(norma).hasSize(1);
    // Float rounding, 1e-7, grown by 34 steps of descent; another momentum or variance changes the first digits.
    assertThat(validationLoss(djl.getFirst())).isCloseTo(validationLoss(norma.getFirst()), within(1e-3));
  }

  @Test
  void everyCallOfLeNetCanBeChecked() throws IOException {
    var images = imageFolder("train", 100).toString();
    assertThat(trainWell("--network", "lenet", "--epochs", "1", "--check", "--data", images).out())
        .contains("Every call of the kernels agreed with the reference.");
  }

  @Test
  void everyNormalizationTrainsBesideTheOthers() throws IOException {
    trainWell("--epochs", "2");
    var beside = curves().lines().skip(1).toList();
    var file = folder.resolve("networks.safetensors").toString();
    var all = trainWell("--epochs", "2", "--normalization", "none,batch,layer,group", "--save", file);
    assertThat(all.out()).contains("Layer:    batch, layer, group normalization by norma", "group: 2 groups");
    assertThat(all.row("normalization")).containsExactly("none", "batch", "layer", "group", "none", "batch");
    assertThat(curves().lines().skip(1)).containsSequence(beside)
        .filteredOn(line -> line.matches("(layer|group),.*")).hasSize(68);
    var loaded = trainWell("--epochs", "0", "--normalization", "layer,group", "--load", file);
    for (int i = 0; i < 2; i++) {
      assertThat(loaded.percent("test accuracy", i)).isGreaterThan(50)
          .isEqualTo(all.percent("test accuracy", LAYER + i));
    }
  }

  @Test
  void bothLayersTrainLayerNormalizationAlike() throws IOException {
    for (var network : new String[] {"mlp", "lenet"}) {
      String[] options = {"--network", network, "--epochs", "1", "--normalization", "layer", "--layer"};
      trainWell(Stream.concat(Stream.of(options), Stream.of("norma")).toArray(String[]::new));
      double norma = validationLoss(curves().lines().toList().getLast());
      trainWell(Stream.concat(Stream.of(options), Stream.of("djl")).toArray(String[]::new));
      double djl = validationLoss(curves().lines().toList().getLast());
      // Float rounding, 1e-7, grown by 34 steps of descent at most.
      assertThat(djl).isCloseTo(norma, within(1e-3));
    }
  }

  @Test
  void everyCallOfEveryNormalizationCanBeChecked() throws IOException {
    var images = imageFolder("train", 100).toString();
    var normalizations = "batch,layer,instance,group";
    assertThat(
        trainWell("--network", "lenet", "--epochs", "1", "--check", "--normalization", normalizations, "--data", images)
            .out())
        .contains("batch, layer, instance, group normalization by norma, every call compared with the reference")
        .contains("Every call of the kernels agreed with the reference.");
  }

  @Test
  void instancesNeedPixels() throws IOException {
    var refused = train("--normalization", "none,instance");
    assertThat(refused.exitCode()).isEqualTo(2);
    assertThat(refused.err()).contains("--normalization instance does not go with --network mlp: a dense layer");
    String[] options = {"--network", "lenet", "--epochs", "1", "--normalization", "instance,layer"};
    var images = imageFolder("train", 100).toString();
    var file = folder.resolve("networks.safetensors").toString();
    var trained = trainWell(
        Stream.concat(Stream.of(options), Stream.of("--data", images, "--save", file)).toArray(String[]::new));
    assertThat(trained.out()).contains("instance: layer normalization behind dense layers");
    assertThat(trained.out()).containsPattern("  instance +gamma( +-?\\d\\.\\d{4}){6}\n");
    assertThat(Files.readString(Path.of(file), StandardCharsets.ISO_8859_1))
        .contains("instance.in1.weight", "instance.in2.bias", "instance.ln2.weight", "layer.ln4.bias");
  }

  @Test
  void theEngineHasNoGroupsAndInstances() {
    for (var normalization : new String[] {"instance", "group"}) {
      var refused = train("--network", "lenet", "--layer", "djl", "--normalization", normalization);
      assertThat(refused.exitCode()).isEqualTo(2);
      assertThat(refused.err()).contains("--layer djl has no " + normalization + " normalization");
    }
  }

  @Test
  void imagesTooLargeForLeNetAreRefused() throws IOException {
    var images = Files.createDirectories(folder.resolve("large"));
    Files.write(images.resolve("t10k-images-idx3-ubyte"),
        IdxBytes.of(new int[] {100, 20, 30}, new byte[100 * 20 * 30]));
    Files.write(images.resolve("t10k-labels-idx1-ubyte"), IdxBytes.labels(new int[100]));
    var result = train("--network", "lenet", "--data", images.toString());
    assertThat(result.exitCode()).isEqualTo(1);
    assertThat(result.err()).contains("images of 20x30 are too large for this network, which takes 28x28 at most");
  }

  @Test
  void sweepsTheBatchSize() throws IOException {
    var images = imageFolder("t10k", 150).toString();
    String[] options = {"--network", "lenet", "--sweep", "batch-size", "--epochs", "1", "--data", images};
    var result = train(options);
    assertThat(result.exitCode()).isZero();
    // 90 images: batches of 128 and 256 are left out.
    assertThat(result.err().lines()).hasSize(12)
        .allMatch(line -> line.matches("batch size \\d+, with(out| batch) normalization: test accuracy .*"));
    assertThat(result.row("batch size")).containsExactly("learning rate", "iterations", "none", "batch");
    assertThat(result.row("2")).hasSize(4).startsWith("0.01875", "45");
    assertThat(result.row("64")).hasSize(4).startsWith("0.6", "2");
    assertThat(result.out()).doesNotContain("\n128 ");
    String table = Files.readString(folder.resolve("sweep.csv"));
    assertThat(table.lines().skip(1)).hasSize(12)
        .allMatch(line -> line.matches("\\d+,\\d+\\.\\d+,(none|batch),1,\\d+(,\\d+\\.\\d+){4}"));
    assertThat(darkPixels(ImageIO.read(folder.resolve("sweep.png").toFile()), 525, 540))
        .as("labels below the axis").isGreaterThan(50);
    train(options);
    assertThat(folder.resolve("sweep.csv")).hasContent(table);
  }

  @Test
  void sweepsEveryNormalization() throws IOException {
    var images = imageFolder("t10k", 100).toString();
    var result = train("--network", "lenet", "--sweep", "batch-size", "--epochs", "1", "--data", images,
        "--normalization", "none,batch,layer,instance,group");
    assertThat(result.err().lines()).hasSize(25);
    assertThat(result.exitCode()).isZero();
    assertThat(result.row("batch size"))
        .containsExactly("learning rate", "iterations", "none", "batch", "layer", "instance", "group");
    assertThat(result.row("8")).hasSize(7);
    assertThat(Files.readString(folder.resolve("sweep.csv")).lines().filter(line -> line.contains(",group,")))
        .hasSize(5);
    assertThat(folder.resolve("sweep.png")).isNotEmptyFile();
  }

  @Test
  void aSweepOverSeveralSeedsShowsTheirSpread() throws IOException {
    var images = imageFolder("t10k", 100).toString();
    var result = train("--sweep", "batch-size", "--epochs", "1", "--data", images, "--runs", "2");
    assertThat(result.exitCode()).isZero();
    assertThat(result.row("4")[3]).matches("\\d+\\.\\d\\d ± \\d+\\.\\d\\d %");
    assertThat(Files.readString(folder.resolve("sweep.csv")).lines().filter(line -> line.startsWith("4,"))).hasSize(4);
  }

  @Test
  void divergenceIsAFailure() {
    var result = train("--learning-rate", "1e9", "--epochs", "2");
    assertThat(result.exitCode()).isEqualTo(1);
    assertThat(result.err()).contains("norma train: training diverged").contains("--learning-rate");
    assertThat(result.row("ended by")[WITHOUT]).isEqualTo("divergence");
  }

  @Test
  void aFileInPlaceOfTheOutputFolderIsRefusedBeforeTraining() throws IOException {
    var file = Files.createFile(folder.resolve("taken"));
    var result = Cli.run("train", "--out", file.toString());
    assertThat(result.exitCode()).isEqualTo(1);
    assertThat(result.out()).isEmpty();
    assertThat(result.err().strip()).isEqualTo("norma train: " + file + ": is a file, not a folder");
  }
}
