package dev.norma.cli.train;

import ai.djl.nn.Block;
import java.util.Locale;
import java.util.Optional;

/** What stands between a layer and its activation. One more is one more constant, with what makes its block. */
enum Normalization {
  NONE("without", "without batch normalization", Optional.empty()),
  BATCH("with", "with batch normalization", Optional.of(NormLayer::create));

  /** Makes the block of one layer. */
  interface BlockMaker {
    /** {@code checked}: every call is compared with the reference, where the block can. */
    Block make(NormLayer whose, boolean checked);
  }

  private final String key;
  private final String title;
  private final Optional<BlockMaker> maker;

  Normalization(String key, String title, Optional<BlockMaker> maker) {
    this.key = key;
    this.title = title;
    this.maker = maker;
  }

  /** What it is called in files and at the head of a column. */
  String key() {
    return key;
  }

  /** What a network with it is called. */
  String title() {
    return title;
  }

  Optional<BlockMaker> maker() {
    return maker;
  }

  /** As on the command line. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
