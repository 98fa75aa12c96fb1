package dev.norma.cli.train;

import ai.djl.nn.Block;
import java.util.Locale;
import java.util.Optional;

/** What stands between a layer and its activation. One more is one more constant, with what makes its block. */
enum Normalization {
  NONE("without normalization", Optional.empty()),
  BATCH("with batch normalization", Optional.of((whose, checked, place) -> whose.batch(checked))),
  LAYER("with layer normalization", Optional.of((whose, checked, place) -> whose.layer(checked)));

  /** Makes the block of one layer. */
  interface BlockMaker {
    /** {@code checked}: every call is compared with the reference, where the block can. */
    Block make(NormLayer whose, boolean checked, Place place);
  }

  private final String title;
  private final Optional<BlockMaker> maker;

  Normalization(String title, Optional<BlockMaker> maker) {
    this.title = title;
    this.maker = maker;
  }

  /** What a network with it is called. */
  String title() {
    return title;
  }

  Optional<BlockMaker> maker() {
    return maker;
  }

  /** As on the command line, in files and at the head of a column. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
