package dev.norma.cli.data;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * A file in the IDX format of MNIST, of unsigned bytes: two zero bytes, the type (8), the number of extents, the
 * extents as big-endian 32-bit integers, and the values, last extent fastest.
 *
 * @param file where it was read from
 * @param extents the extents, outermost first
 * @param values the values, unsigned
 */
record IdxFile(Path file, int[] extents, byte[] values) {
  private static final int UNSIGNED_BYTE = 8;
  private static final int HEADER_OF_LABELS = 8;

  static IdxFile read(Path file, int dimensions) throws IOException {
    try (var reader = ByteReader.open(file)) {
      readMagic(reader, dimensions);
      int[] extents = new int[dimensions];
      long length = 1;
      for (int i = 0; i < dimensions; i++) {
        extents[i] = readExtent(reader, i);
        length *= extents[i];
        if (length > Integer.MAX_VALUE - Long.BYTES) {
          throw reader.malformed(reader.offset() - Integer.BYTES, "extents whose product is below 2^31",
              Arrays.toString(Arrays.copyOf(extents, i + 1)));
        }
      }
      byte[] values = reader.nextBytes((int) length, length + " bytes of values");
      reader.expectEnd();
      return new IdxFile(file, extents, values);
    }
  }

  private static void readMagic(ByteReader reader, int dimensions) throws IOException {
    String expected = "the magic number 0x%08x of an IDX file of unsigned bytes with %d extent%s"
        .formatted(UNSIGNED_BYTE << Byte.SIZE | dimensions, dimensions, dimensions == 1 ? "" : "s");
    int magic = reader.nextInt(expected);
    if (magic != (UNSIGNED_BYTE << Byte.SIZE | dimensions)) {
      throw reader.malformed(0, expected, "0x%08x".formatted(magic));
    }
  }

  private static int readExtent(ByteReader reader, int index) throws IOException {
    String expected = "extent " + index + ", a positive 32-bit integer";
    int extent = reader.nextInt(expected);
    if (extent <= 0) {
      throw reader.malformed(reader.offset() - Integer.BYTES, expected, Integer.toString(extent));
    }
    return extent;
  }

  /** The images of one file with the labels of the other. */
  static Dataset readImages(Path imageFile, Path labelFile) throws IOException {
    var images = read(imageFile, 3);
    var labels = read(labelFile, 1);
    int count = images.extents[0];
    if (labels.extents[0] != count) {
      throw new MalformedDataException(labelFile.toString(), Integer.BYTES,
          count + " labels, as many as " + imageFile.getFileName() + " has images",
          Integer.toString(labels.extents[0]));
    }
    return new Dataset(images.scaled(), images.extents[1], images.extents[2], labels.classes());
  }

  private float[] scaled() {
    var pixels = new float[values.length];
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = Byte.toUnsignedInt(values[i]) / 255f;
    }
    return pixels;
  }

  private int[] classes() {
    var classes = new int[values.length];
    for (int i = 0; i < classes.length; i++) {
      classes[i] = Byte.toUnsignedInt(values[i]);
      if (classes[i] >= Dataset.CLASSES) {
        throw new MalformedDataException(
            file.toString(), HEADER_OF_LABELS + (long) i, "a label from 0 to 9", Integer.toString(classes[i]));
      }
    }
    return classes;
  }
}
