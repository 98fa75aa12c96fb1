package dev.norma.cli.data;

import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;

/**
 * The handwritten digits that come with the program: lines of 64 pixels from 0 to 16 and a label, all integers,
 * separated by commas. See the file {@code DIGITS-LICENSE} beside them for their source.
 */
public final class Digits {
  static final String RESOURCE = "digits.csv.gz";
  private static final int SIDE = 8;
  private static final int FEATURES = SIDE * SIDE;
  private static final int DARKEST = 16;
  private static final int END = -1;

  private final ByteReader reader;
  private float[] pixels = new float[2048 * FEATURES];
  private int[] labels = new int[2048];
  private int count;

  private Digits(ByteReader reader) {
    this.reader = reader;
  }

  /**
   * Reads and splits them.
   *
   * @return the three parts
   * @throws IOException if the program is not whole
   */
  public static Split load() throws IOException {
    var images = read(RESOURCE, Digits.class.getResourceAsStream(RESOURCE));
    return Split.drawn(images, "the UCI handwritten digits that come with Norma, split by lot");
  }

  static Dataset read(String name, InputStream input) throws IOException {
    try (var reader = ByteReader.of(name, input)) {
      return new Digits(reader).readAll();
    }
  }

  private Dataset readAll() throws IOException {
    int next = reader.next();
    while (next != END) {
      readLine(next);
      next = reader.next();
    }
    return new Dataset(Arrays.copyOf(pixels, count * FEATURES), SIDE, SIDE, Arrays.copyOf(labels, count));
  }

  private void readLine(int first) throws IOException {
    if (count == labels.length) {
      pixels = Arrays.copyOf(pixels, 2 * pixels.length);
      labels = Arrays.copyOf(labels, 2 * labels.length);
    }
    int next = first;
    for (int i = 0; i < FEATURES; i++) {
      pixels[count * FEATURES + i] = readNumber(next, DARKEST, "pixel " + i, ',') / (float) DARKEST;
      next = reader.next();
    }
    labels[count] = readNumber(next, Dataset.CLASSES - 1, "the label", '\n');
    count++;
  }

  /** One or two digits that start with {@code first}, and the separator after them. */
  private int readNumber(int first, int largest, String what, char separator) throws IOException {
    long start = first == END ? reader.offset() : reader.offset() - 1;
    int value = 0;
    int next = first;
    for (int digits = 0; next >= '0' && next <= '9' && digits < 2; digits++) {
      value = 10 * value + next - '0';
      next = reader.next();
      if (next == separator && value <= largest) {
        return value;
      }
    }
    String end = separator == '\n' ? "the end of the line" : "a comma";
    throw reader.malformed(start, "line " + (count + 1) + ": " + what + ", an integer from 0 to " + largest
        + ", then " + end, found(value, first, next));
  }

  private static String found(int value, int first, int next) {
    String digits = first >= '0' && first <= '9' ? Integer.toString(value) + " and " : "";
    return digits + (next == END ? "the end of the file" : next == '\n' ? "the end of the line"
        : next < ' ' || next > '~' ? "0x%02x".formatted(next) : "'" + (char) next + "'");
  }
}
