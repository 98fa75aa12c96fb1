package dev.norma.cli.data;

/**
 * Labelled images. The arrays are the data set's own and are not copied.
 *
 * @param pixels the values of one image after the other, each from 0 (paper) to 1 (ink)
 * @param rows the height of an image
 * @param columns the width of an image
 * @param labels the class of each image, 0 to {@code CLASSES - 1}
 */
public record Dataset(float[] pixels, int rows, int columns, int[] labels) {
  /** Every data set here has ten classes. */
  public static final int CLASSES = 10;

  /** Checks that there are pixels for every label. */
  public Dataset {
    if (pixels.length != Math.multiplyExact(Math.multiplyExact(rows, columns), labels.length)) {
      throw new IllegalArgumentException(
          "%d pixels are not %d images of %dx%d".formatted(pixels.length, labels.length, rows, columns));
    }
  }

  /**
   * How many values an image has.
   *
   * @return its pixels, row by row
   */
  public int features() {
    return rows * columns;
  }

  /**
   * How many images there are.
   *
   * @return the number of labels
   */
  public int size() {
    return labels.length;
  }

  /**
   * Some of the images.
   *
   * @param order indices of images
   * @param from the first index in {@code order}
   * @param to the index in {@code order} after the last
   * @return the images {@code order[from]} to {@code order[to - 1]}, in this order, as a data set of their own
   */
  public Dataset select(int[] order, int from, int to) {
    int features = features();
    var selectedPixels = new float[Math.multiplyExact(to - from, features)];
    var selectedLabels = new int[to - from];
    for (int i = from; i < to; i++) {
      System.arraycopy(pixels, order[i] * features, selectedPixels, (i - from) * features, features);
      selectedLabels[i - from] = labels[order[i]];
    }
    return new Dataset(selectedPixels, rows, columns, selectedLabels);
  }
}
