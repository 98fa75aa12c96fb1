package dev.norma.benchmarks.run;

import dev.norma.benchmarks.Normalization;
import dev.norma.benchmarks.Shape;

/**
 * Which values are normalized together: those of a channel, or those of a group of channels in one image. A row is an
 * image of one group.
 *
 * @param count how many sets there are
 * @param values how many values each has
 * @param ofChannels whether a set is a channel of all images
 * @param image elements of an image
 * @param groups in an image
 * @param width channels of a group
 */
record Sets(int count, long values, boolean ofChannels, long image, int groups, int width) {
  static Sets of(Shape shape) {
    return new Sets(
        Math.toIntExact(shape.sets()),
        shape.valuesPerSet(),
        shape.normalization() == Normalization.BATCH,
        shape.channels() * shape.spatial(),
        Math.toIntExact(shape.groups()),
        Math.toIntExact(shape.channels() / shape.groups()));
  }

  /** The set of element i, which is of channel c. */
  int of(long i, int c) {
    return ofChannels ? c : (int) (i / image) * groups + c / width;
  }
}
