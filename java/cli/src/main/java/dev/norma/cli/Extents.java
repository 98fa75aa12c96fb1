package dev.norma.cli;

import java.util.Arrays;
import java.util.stream.Collectors;

/**
 * The extents of a tensor: batch, channels and up to three spatial ones, in this order whatever the layout.
 *
 * @param extents two to five numbers, each at least 1
 */
record Extents(long... extents) {
  private static final int LEAST = 2;
  private static final int MOST = 5;

  static Extents parse(String text) {
    var extents = new long[text.split("x", -1).length];
    int i = 0;
    for (String part : text.split("x", -1)) {
      extents[i++] = extent(text, part);
    }
    if (extents.length < LEAST || extents.length > MOST) {
      throw malformed(text);
    }
    return new Extents(extents);
  }

  private static long extent(String text, String part) {
    try {
      long extent = Long.parseLong(part);
      if (extent >= 1) {
        return extent;
      }
    } catch (NumberFormatException e) {
      // The message is the same as for numbers below 1.
    }
    throw malformed(text);
  }

  private static IllegalArgumentException malformed(String text) {
    return new IllegalArgumentException(
        "'" + text + "' is not batch x channels x spatial extents, such as 32x64x56x56 or 64x128");
  }

  long batch() {
    return extents[0];
  }

  long channels() {
    return extents[1];
  }

  long spatial() {
    return Arrays.stream(extents, LEAST, extents.length).reduce(1, Math::multiplyExact);
  }

  @Override
  public String toString() {
    return Arrays.stream(extents).mapToObj(Long::toString).collect(Collectors.joining("x"));
  }
}
