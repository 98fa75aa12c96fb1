package dev.norma.benchmarks.run;

import dev.norma.Layout;
import dev.norma.Tensor;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * A tensor as rows in memory, to walk over it in its order and on all processors: with channels first a row is one
 * channel of one n, with channels last it is all channels of one position.
 *
 * @param count of rows
 * @param length of a row
 * @param channels C
 * @param channelPerRow whether a row is of one channel
 */
record Rows(long count, int length, int channels, boolean channelPerRow) {
  /** Parts that processors take; results do not depend on how many processors there are. */
  private static final int PARTS = 16;

  static Rows of(Tensor tensor) {
    boolean channelPerRow = tensor.layout() == Layout.CHANNELS_FIRST;
    int channels = Math.toIntExact(tensor.channels());
    return channelPerRow
        ? new Rows(tensor.batch() * channels, Math.toIntExact(tensor.spatial()), channels, true)
        : new Rows(tensor.batch() * tensor.spatial(), channels, channels, false);
  }

  /** The channel of an element of a row. */
  int channel(long row, int position) {
    return channelPerRow ? (int) (row % channels) : position;
  }

  /** The index in memory of an element of a row. */
  long index(long row, int position) {
    return row * length + position;
  }

  /** A part of the rows: from one to before another. */
  record Part(long from, long to) {}

  /** All rows in parts, to be taken at the same time. */
  Stream<Part> parts() {
    return IntStream.range(0, PARTS)
        .mapToObj(part -> new Part(part * count / PARTS, (part + 1) * count / PARTS))
        .parallel();
  }

  /** What element i, which is of channel c, adds to sums. */
  interface Terms {
    void addTo(double[] sums, long i, int c);
  }

  /** So many sums of each channel: {@code [c]} are those of channel c. */
  double[][] sums(int number, Terms terms) {
    return sums(number, channels, (i, c) -> c, terms);
  }

  /** To which of some sums element i, which is of channel c, belongs. */
  interface Choice {
    int of(long i, int c);
  }

  /** So many sums of each of {@code sets}, which {@code set} tells apart. */
  double[][] sums(int number, int sets, Choice set, Terms terms) {
    return parts()
        .map(part -> sums(new double[sets][number], set, terms, part))
        .reduce(Rows::added)
        .orElseThrow();
  }

  private double[][] sums(double[][] sums, Choice set, Terms terms, Part part) {
    for (long row = part.from(); row < part.to(); row++) {
      for (int j = 0; j < length; j++) {
        int c = channel(row, j);
        long i = index(row, j);
        terms.addTo(sums[set.of(i, c)], i, c);
      }
    }
    return sums;
  }

  private static double[][] added(double[][] one, double[][] other) {
    var both = new double[one.length][];
    for (int c = 0; c < both.length; c++) {
      both[c] = new double[one[c].length];
      for (int k = 0; k < both[c].length; k++) {
        both[c][k] = one[c][k] + other[c][k];
      }
    }
    return both;
  }
}
