package dev.norma.cli.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.norma.cli.UserException;
import org.junit.jupiter.api.Test;

class CanvasTest {
  private static Split split(int rows, int columns, float... pixels) {
    var images = new Dataset(pixels, rows, columns, new int[pixels.length / (rows * columns)]);
    return new Split(images, images, images, "images");
  }

  @Test
  void enlargesByAWholeFactorAndCentres() {
    var drawn = Canvas.fit(split(1, 2, .1f, .2f, .3f, .4f), 5).train();
    assertThat(drawn.rows()).isEqualTo(5);
    assertThat(drawn.size()).isEqualTo(2);
    assertThat(drawn.pixels()).startsWith(
        0, 0, 0, 0, 0,
        .1f, .1f, .2f, .2f, 0,
        .1f, .1f, .2f, .2f, 0,
        0, 0, 0, 0, 0,
        0, 0, 0, 0, 0,
        // the next image
        0, 0, 0, 0, 0,
        .3f, .3f, .4f, .4f, 0);
  }

  @Test
  void leavesImagesOfTheRightSizeAsTheyAre() {
    var images = split(2, 2, .1f, .2f, .3f, .4f);
    assertThat(Canvas.fit(images, 2).test().pixels()).containsExactly(.1f, .2f, .3f, .4f);
  }

  @Test
  void refusesImagesThatAreTooLarge() {
    var images = split(1, 3, .1f, .2f, .3f);
    assertThatThrownBy(() -> Canvas.fit(images, 2))
        .isInstanceOf(UserException.class)
        .hasMessage("images: images of 1x3 are too large for this network, which takes 2x2 at most");
  }
}
