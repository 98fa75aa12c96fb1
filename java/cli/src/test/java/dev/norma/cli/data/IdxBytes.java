package dev.norma.cli.data;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.zip.GZIPOutputStream;

/** Makes the bytes of IDX files. */
public final class IdxBytes {
  private static final int MAGIC_OF_BYTES = 0x0800;

  private IdxBytes() {}

  public static byte[] of(int[] extents, byte[] values) {
    var bytes = ByteBuffer.allocate(Integer.BYTES * (1 + extents.length) + values.length);
    bytes.putInt(MAGIC_OF_BYTES + extents.length);
    Arrays.stream(extents).forEach(bytes::putInt);
    return bytes.put(values).array();
  }

  public static byte[] labels(int... labels) {
    var values = new byte[labels.length];
    for (int i = 0; i < labels.length; i++) {
      values[i] = (byte) labels[i];
    }
    return of(new int[] {labels.length}, values);
  }

  public static byte[] gzip(byte[] bytes) {
    var compressed = new ByteArrayOutputStream();
    try (var gzip = new GZIPOutputStream(compressed)) {
      gzip.write(bytes);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return compressed.toByteArray();
  }

  /** Writes images that can be learnt: the pixels of class k are dark in the k-th of ten rows, all with some noise. */
  public static void writePair(Path folder, String part, int count, Random random, boolean compressed)
      throws IOException {
    int rows = 10;
    int columns = 3;
    var pixels = new byte[count * rows * columns];
    var labels = new int[count];
    for (int i = 0; i < count; i++) {
      labels[i] = i % Dataset.CLASSES;
      for (int j = 0; j < rows * columns; j++) {
        pixels[i * rows * columns + j] = (byte) (random.nextInt(60) + (j / columns == labels[i] ? 190 : 0));
      }
    }
    byte[] images = of(new int[] {count, rows, columns}, pixels);
    String end = compressed ? ".gz" : "";
    Files.write(folder.resolve(part + "-images-idx3-ubyte" + end), compressed ? gzip(images) : images);
    byte[] classes = labels(labels);
    Files.write(folder.resolve(part + "-labels-idx1-ubyte" + end), compressed ? gzip(classes) : classes);
  }
}
