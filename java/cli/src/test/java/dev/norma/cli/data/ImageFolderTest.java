package dev.norma.cli.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.norma.cli.UserException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ImageFolderTest {
  @TempDir Path folder;

  private void write(String part, int count, boolean compressed) throws IOException {
    IdxBytes.writePair(folder, part, count, new Random(count), compressed);
  }

  private void assertRefused(String message) {
    assertThatThrownBy(() -> ImageFolder.read(folder)).isInstanceOf(UserException.class).hasMessage(message);
  }

  @Test
  void takesTrainingAndTestFiles() throws IOException {
    write("train", 200, false);
    write("t10k", 30, true);
    var split = ImageFolder.read(folder);
    assertThat(split.source()).isEqualTo(folder + ": its training and test files");
    assertThat(split.train().size()).isEqualTo(190);
    assertThat(split.validation().size()).isEqualTo(10);
    assertThat(split.test().size()).isEqualTo(30);
    assertThat(split.features()).isEqualTo(30);
  }

  @Test
  void splitsTheOnlyFilesThereAreAndSaysSo() throws IOException {
    write("t10k", 150, true);
    var split = ImageFolder.read(folder);
    assertThat(split.source()).isEqualTo(folder + ": only its test files (t10k), split by lot");
    assertThat(split.train().size()).isEqualTo(90);
    assertThat(split.test().size()).isEqualTo(30);
  }

  @Test
  void takesNamesWithADotToo() throws IOException {
    write("train", 100, false);
    for (var name : new String[] {"images-idx3-ubyte", "labels-idx1-ubyte"}) {
      Files.move(folder.resolve("train-" + name), folder.resolve("train-" + name.replace("-idx", ".idx")));
    }
    assertThat(ImageFolder.read(folder).source()).contains("only its training files (train)");
  }

  @Test
  void refusesImagesWithoutLabels() throws IOException {
    write("train", 100, false);
    Files.delete(folder.resolve("train-labels-idx1-ubyte"));
    assertRefused(folder + ": holds train-images-idx3-ubyte but not train-labels-idx1-ubyte");
  }

  @Test
  void refusesPartsWithImagesOfDifferentSize() throws IOException {
    write("train", 100, false);
    write("t10k", 20, false);
    Files.write(folder.resolve("t10k-images-idx3-ubyte"), IdxBytes.of(new int[] {20, 2, 2}, new byte[80]));
    assertRefused(folder + ": its training images have 30 pixels (10x3), its test images 4 (2x2)");
  }

  @Test
  void saysWhatAFolderWithoutImagesShouldHold() {
    assertThatThrownBy(() -> ImageFolder.read(folder))
        .isInstanceOf(UserException.class)
        .hasMessageContainingAll(folder.toString(), "train-images-idx3-ubyte", "t10k", ".gz");
    assertThatThrownBy(() -> ImageFolder.read(folder.resolve("none")))
        .isInstanceOf(UserException.class)
        .hasMessage(folder.resolve("none") + ": no such folder");
  }
}
