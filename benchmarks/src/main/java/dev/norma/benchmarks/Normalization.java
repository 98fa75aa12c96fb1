package dev.norma.benchmarks;

/** Which values are normalized together, by the name that sets of shapes and the registry use. */
public enum Normalization {
  /** Those of a channel, in all images. */
  BATCH("batch"),
  /** Those of a row: N rows of C values. */
  LAYER("layer"),
  /** Those of a group of channels, in one image. */
  GROUP("group"),
  /** Those of a channel, in one image. */
  INSTANCE("instance");

  private final String text;

  Normalization(String text) {
    this.text = text;
  }

  /**
   * The normalization of a name.
   *
   * @param text such as {@code batch}
   * @return the normalization
   * @throws IllegalArgumentException if there is none
   */
  public static Normalization of(String text) {
    return Names.find(values(), text, "normalization");
  }

  @Override
  public String toString() {
    return text;
  }
}
