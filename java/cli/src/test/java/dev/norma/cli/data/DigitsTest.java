package dev.norma.cli.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class DigitsTest {
  private static final String BLANK = "0,".repeat(63);
  private static final String PIXEL_1 =
      "some.csv, byte 2: expected line 1: pixel 1, an integer from 0 to 16, then a comma, ";
  private static final String LABEL = "the label, an integer from 0 to 9, then the end of the line, ";

  private static Dataset read(String text) throws IOException {
    return Digits.read("some.csv", new ByteArrayInputStream(text.getBytes(StandardCharsets.US_ASCII)));
  }

  private static void assertMalformed(String text, String message) {
    assertThatThrownBy(() -> read(text)).isInstanceOf(MalformedDataException.class).hasMessage(message);
  }

  @Test
  void readsTheImagesThatComeWithTheProgram() throws IOException {
    var digits = Digits.read(Digits.RESOURCE, Digits.class.getResourceAsStream(Digits.RESOURCE));
    assertThat(digits.size()).isEqualTo(1797);
    assertThat(digits.features()).isEqualTo(64);
    // The counts that DIGITS-LICENSE gives.
    assertThat(IntStream.range(0, 10).mapToLong(k -> IntStream.of(digits.labels()).filter(l -> l == k).count()))
        .containsExactly(178L, 182L, 177L, 183L, 181L, 182L, 181L, 179L, 174L, 180L);
    assertThat(digits.pixels()).startsWith(0, 0, 5 / 16f, 13 / 16f, 9 / 16f, 1 / 16f, 0, 0);
  }

  @Test
  void readsPixelsAndLabels() throws IOException {
    var digits = read("16," + BLANK + "7\n" + BLANK + "4,2\n");
    assertThat(digits.labels()).containsExactly(7, 2);
    assertThat(digits.pixels()).hasSize(128).startsWith(1f).endsWith(0.25f);
  }

  @Test
  void growsBeyondItsFirstEstimate() throws IOException {
    assertThat(read((BLANK + "0,5\n").repeat(5000)).size()).isEqualTo(5000);
  }

  @Test
  void saysWhichPixelIsOutOfRange() {
    assertMalformed("0,17," + BLANK, PIXEL_1 + "found 17 and ','");
  }

  @Test
  void saysWhichLabelIsOutOfRange() {
    String line = BLANK + "0,3\n";
    assertMalformed(line + BLANK + "0,12\n",
        "some.csv, byte " + (line.length() + 128) + ": expected line 2: " + LABEL + "found 12 and the end of the line");
  }

  @Test
  void saysWhatStandsInPlaceOfANumber() {
    assertMalformed("0,x", PIXEL_1 + "found 'x'");
    assertMalformed("0,-1", PIXEL_1 + "found '-'");
    assertMalformed("0,\u0007", PIXEL_1 + "found 0x07");
  }

  @Test
  void saysWhereALineOrTheFileEndsTooEarly() {
    assertMalformed("0,1\n", PIXEL_1 + "found 1 and the end of the line");
    assertMalformed("0,", PIXEL_1 + "found the end of the file");
    assertMalformed(BLANK + "0,5",
        "some.csv, byte 128: expected line 1: " + LABEL + "found 5 and the end of the file");
  }
}
