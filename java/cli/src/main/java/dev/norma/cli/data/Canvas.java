package dev.norma.cli.data;

import dev.norma.cli.UserException;

/**
 * Squares that small images are drawn on, for networks that take one size only. Every pixel becomes a square of the
 * largest whole number of pixels that fits; what the image leaves free around its centre is paper.
 */
public final class Canvas {
  private Canvas() {}

  /**
   * Draws the images of every part.
   *
   * @param images the images
   * @param side how many rows, and columns, the canvas has
   * @return the same images, larger
   * @throws UserException if the images are larger than the canvas
   */
  public static Split fit(Split images, int side) {
    var train = images.train();
    if (train.rows() > side || train.columns() > side) {
      throw new UserException("%s: images of %dx%d are too large for this network, which takes %dx%d at most".formatted(
          images.source(), train.rows(), train.columns(), side, side));
    }
    return new Split(
        draw(train, side), draw(images.validation(), side), draw(images.test(), side), images.source());
  }

  private static Dataset draw(Dataset images, int side) {
    int scale = side / Math.max(images.rows(), images.columns());
    int top = (side - scale * images.rows()) / 2;
    int left = (side - scale * images.columns()) / 2;
    var pixels = new float[Math.multiplyExact(images.size(), side * side)];
    for (int i = 0; i < images.size(); i++) {
      for (int row = 0; row < scale * images.rows(); row++) {
        for (int column = 0; column < scale * images.columns(); column++) {
          pixels[(i * side + top + row) * side + left + column] =
              images.pixels()[(i * images.rows() + row / scale) * images.columns() + column / scale];
        }
      }
    }
    return new Dataset(pixels, side, side, images.labels());
  }
}
