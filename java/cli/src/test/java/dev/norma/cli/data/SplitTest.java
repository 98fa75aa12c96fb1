package dev.norma.cli.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.norma.cli.UserException;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class SplitTest {
  /** Images of one pixel that holds their number. */
  private static Dataset numbered(int size) {
    var pixels = new float[size];
    IntStream.range(0, size).forEach(i -> pixels[i] = i);
    return new Dataset(pixels, 1, 1, IntStream.range(0, size).map(i -> i % 10).toArray());
  }

  @Test
  void drawsPartsThatTogetherAreTheWhole() {
    var split = Split.drawn(numbered(1797), "numbers");
    assertThat(split.train().size()).isEqualTo(1079);
    assertThat(split.validation().size()).isEqualTo(359);
    assertThat(split.test().size()).isEqualTo(359);
    var all = new boolean[1797];
    for (var part : new Dataset[] {split.train(), split.validation(), split.test()}) {
      for (int i = 0; i < part.size(); i++) {
        int number = (int) part.pixels()[i];
        assertThat(all[number]).as("image %d is in two parts", number).isFalse();
        all[number] = true;
        assertThat(part.labels()[i]).isEqualTo(number % 10);
      }
    }
    assertThat(all).doesNotContain(false);
  }

  @Test
  void drawsTheSamePartsEveryTime() {
    var first = Split.drawn(numbered(500), "numbers");
    var second = Split.drawn(numbered(500), "numbers");
    assertThat(first.test().pixels()).isEqualTo(second.test().pixels());
  }

  @Test
  void validatesByTheFirstTwentiethOfGivenTrainingImages() {
    var split = Split.given(numbered(60_000), numbered(10_000), "numbers");
    assertThat(split.train().size()).isEqualTo(57_000);
    assertThat(split.validation().size()).isEqualTo(3000);
    assertThat(split.validation().pixels()).startsWith(0, 1, 2).endsWith(2999);
    assertThat(split.train().pixels()).startsWith(3000).endsWith(59_999);
    assertThat(split.test().size()).isEqualTo(10_000);
  }

  @Test
  void refusesTooFewImages() {
    assertThatThrownBy(() -> Split.drawn(numbered(99), "a folder"))
        .isInstanceOf(UserException.class)
        .hasMessage("a folder: 99 images are too few to split; need 100");
  }
}
