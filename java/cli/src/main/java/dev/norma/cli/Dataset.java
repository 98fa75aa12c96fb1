package dev.norma.cli;

/**
 * Labelled images. The arrays are the data set's own and are not copied.
 *
 * @param pixels the values of one image after the other, each from 0 (paper) to 1 (ink)
 * @param features how many values an image has
 * @param labels the class of each image, 0 to {@code CLASSES - 1}
 */
record Dataset(float[] pixels, int features, int[] labels) {
  static final int CLASSES = 10;

  Dataset {
    if (pixels.length != Math.multiplyExact(features, labels.length)) {
      throw new IllegalArgumentException(
          pixels.length + " pixels are not " + labels.length + " images of " + features);
    }
  }

  int size() {
    return labels.length;
  }

  /** The images {@code order[from]} to {@code order[to - 1]}, in this order, as a data set of their own. */
  Dataset select(int[] order, int from, int to) {
    var selectedPixels = new float[Math.multiplyExact(to - from, features)];
    var selectedLabels = new int[to - from];
    for (int i = from; i < to; i++) {
      System.arraycopy(pixels, order[i] * features, selectedPixels, (i - from) * features, features);
      selectedLabels[i - from] = labels[order[i]];
    }
    return new Dataset(selectedPixels, features, selectedLabels);
  }
}
