package dev.norma.cli.data;

import dev.norma.cli.UserException;
import java.util.Random;

/**
 * A data set in its three parts.
 *
 * @param train what the network learns from
 * @param validation what decides when to stop
 * @param test what the accuracy is taken from; seen once, at the end
 * @param source where the images are from and how they were split, in words
 */
public record Split(Dataset train, Dataset validation, Dataset test, String source) {
  private static final long ORDER_SEED = 1797;

  /** Below this the parts are too small to say anything. */
  private static final int LEAST_IMAGES = 100;

  /**
   * A fifth for validation, a fifth for the test and the rest for training, drawn by lot, always the same: neighbours
   * in a file are often by one hand, and the split must not depend on the seed whose effect one wants to see.
   */
  static Split drawn(Dataset images, String source) {
    int size = images.size();
    if (size < LEAST_IMAGES) {
      throw new UserException(source + ": " + size + " images are too few to split; need " + LEAST_IMAGES);
    }
    int[] order = Permutation.identity(size);
    Permutation.shuffle(order, new Random(ORDER_SEED));
    int fifth = size / 5;
    return new Split(
        images.select(order, 0, size - 2 * fifth),
        images.select(order, size - 2 * fifth, size - fifth),
        images.select(order, size - fifth, size),
        source);
  }

  /** As the text does it: the first twentieth of the training images validates. */
  static Split given(Dataset training, Dataset test, String source) {
    int size = training.size();
    if (size < LEAST_IMAGES) {
      throw new UserException(source + ": " + size + " training images are too few; need " + LEAST_IMAGES);
    }
    int[] order = Permutation.identity(size);
    int validation = size / 20;
    return new Split(training.select(order, validation, size), training.select(order, 0, validation), test, source);
  }

  /**
   * How many values an image has.
   *
   * @return the features of each part
   */
  public int features() {
    return train.features();
  }

  /**
   * The sizes of the parts.
   *
   * @return the sizes in words
   */
  public String sizes() {
    return String.format("%,d training, %,d validation and %,d test images of %d pixels",
        train.size(), validation.size(), test.size(), features());
  }
}
