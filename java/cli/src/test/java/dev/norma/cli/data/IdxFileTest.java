package dev.norma.cli.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class IdxFileTest {
  private static final byte[] LABELS = IdxBytes.labels(3, 1, 4);
  private static final byte[] IMAGES = IdxBytes.of(new int[] {2, 1, 3}, new byte[] {0, (byte) 255, 51, 1, 2, 3});

  @TempDir Path folder;

  private Path file(byte[] bytes) throws IOException {
    return Files.write(folder.resolve("some-idx"), bytes);
  }

  private void assertMalformed(byte[] bytes, int dimensions, String... parts) throws IOException {
    var file = file(bytes);
    assertThatThrownBy(() -> IdxFile.read(file, dimensions))
        .isInstanceOf(MalformedDataException.class)
        .hasMessageStartingWith(file.toString())
        .hasMessageContainingAll(parts);
  }

  private static byte[] with(byte[] bytes, int offset, int value) {
    byte[] changed = bytes.clone();
    changed[offset] = (byte) value;
    return changed;
  }

  @Test
  void readsPlainAndCompressedFilesAlike() throws IOException {
    for (var bytes : new byte[][] {IMAGES, IdxBytes.gzip(IMAGES)}) {
      var idx = IdxFile.read(file(bytes), 3);
      assertThat(idx.extents()).containsExactly(2, 1, 3);
      assertThat(idx.values()).containsExactly(0, 255, 51, 1, 2, 3);
    }
  }

  @Test
  void scalesPixelsToOne() throws IOException {
    var images = Files.write(folder.resolve("images"), IMAGES);
    var labels = Files.write(folder.resolve("labels"), IdxBytes.labels(9, 0));
    var dataset = IdxFile.readImages(images, labels);
    assertThat(dataset.pixels()).startsWith(0f, 1f, 0.2f);
    assertThat(dataset.features()).isEqualTo(3);
    assertThat(dataset.labels()).containsExactly(9, 0);
  }

  @Test
  void refusesAnotherMagicNumber() throws IOException {
    assertMalformed(with(LABELS, 0, 'P'), 1, "byte 0", "0x00000801", "1 extent", "0x50000801");
    // Type 0x0D is float.
    assertMalformed(with(LABELS, 2, 0x0D), 1, "byte 0", "unsigned bytes", "0x00000d01");
  }

  @Test
  void refusesLabelsWhereImagesBelong() throws IOException {
    assertMalformed(LABELS, 3, "byte 0", "3 extents", "0x00000801");
  }

  @Test
  void refusesExtentsThatAreNotPositive() throws IOException {
    assertMalformed(IdxBytes.of(new int[] {2, 0, 3}, new byte[0]), 3, "byte 8", "extent 1", "found 0");
    assertMalformed(IdxBytes.of(new int[] {-5}, new byte[0]), 1, "byte 4", "extent 0", "found -5");
  }

  @Test
  void refusesExtentsWhoseProductNoArrayHolds() throws IOException {
    assertMalformed(IdxBytes.of(new int[] {1 << 20, 1 << 20, 1}, new byte[0]), 3, "byte 8", "below 2^31");
  }

  @Test
  void saysWhereATruncatedFileEnds() throws IOException {
    assertMalformed(Arrays.copyOf(LABELS, 2), 1, "byte 0", "magic number", "the end of the file");
    assertMalformed(Arrays.copyOf(LABELS, 6), 1, "byte 4", "extent 0", "the end of the file");
    assertMalformed(Arrays.copyOf(IMAGES, IMAGES.length - 1), 3, "byte 21", "6 bytes of values", "after 5 of 6 bytes");
    assertMalformed(new byte[0], 1, "byte 0", "the end of the file");
  }

  @Test
  void refusesBytesAfterTheEnd() throws IOException {
    assertMalformed(Arrays.copyOf(LABELS, LABELS.length + 1), 1, "byte 11", "the end of the file, found more bytes");
  }

  @Test
  void saysWhereACompressedFileBreaks() throws IOException {
    byte[] whole = IdxBytes.gzip(IMAGES);
    assertMalformed(Arrays.copyOf(whole, whole.length - 9), 3, "a sound gzip stream");
    // The last 8 bytes are the checksum and the length of the content, which is read to the end by then.
    assertMalformed(with(whole, whole.length - 8, whole[whole.length - 8] + 1), 3, "byte 22", "a sound gzip stream");
    assertMalformed(Arrays.copyOf(whole, 5), 3, "byte 0", "a gzip header");
  }

  @Test
  void refusesLabelsThatAreNoDigit() throws IOException {
    var images = Files.write(folder.resolve("images"), IMAGES);
    var labels = Files.write(folder.resolve("labels"), IdxBytes.labels(7, 10));
    assertThatThrownBy(() -> IdxFile.readImages(images, labels))
        .isInstanceOf(MalformedDataException.class)
        .hasMessage(labels + ", byte 9: expected a label from 0 to 9, found 10");
  }

  @Test
  void refusesAnotherNumberOfLabelsThanImages() throws IOException {
    var images = Files.write(folder.resolve("images"), IMAGES);
    var labels = Files.write(folder.resolve("labels"), LABELS);
    assertThatThrownBy(() -> IdxFile.readImages(images, labels))
        .isInstanceOf(MalformedDataException.class)
        .hasMessage(labels + ", byte 4: expected 2 labels, as many as images has images, found 3");
  }
}
