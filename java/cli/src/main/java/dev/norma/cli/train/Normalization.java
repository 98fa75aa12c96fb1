package dev.norma.cli.train;

import ai.djl.nn.Block;
import java.util.Locale;
import java.util.Optional;

/** What stands between a layer and its activation. One more is one more constant, with what makes its block. */
enum Normalization {
  NONE("without normalization", Optional.empty()),
  BATCH("with batch normalization", Optional.of((whose, checked, place) -> whose.batch(checked))),
  LAYER("with layer normalization", Optional.of((whose, checked, place) -> whose.layer(checked))),
  INSTANCE("with instance normalization", Optional.of(Normalization::instance)),
  GROUP("with group normalization", Optional.of((whose, checked, place) -> whose.group(checked)));

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

  /** A dense layer has one value per channel, which has no deviation; its features are normalized together. */
  private static Block instance(NormLayer whose, boolean checked, Place place) {
    return place == Place.CONVOLUTION ? whose.instance(checked) : whose.layer(checked);
  }

  /** What is not said by the name; empty if there is nothing. */
  Optional<String> remark() {
    return switch (this) {
      case INSTANCE -> Optional.of("layer normalization behind dense layers, which have one value per channel");
      case GROUP -> Optional.of("%d groups".formatted(NormLayer.GROUPS));
      default -> Optional.empty();
    };
  }

  /** As on the command line, in files and at the head of a column. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
