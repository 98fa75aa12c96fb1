package dev.norma.cli.train;

import java.util.Locale;
import java.util.Optional;

/** The networks of the texts. */
enum Network {
  MLP(Optional.of(new Perceptron())),
  LENET(Optional.of(new LeNet())),
  TWO_LAYER(Optional.empty());

  private final Optional<Architecture> architecture;

  Network(Optional<Architecture> architecture) {
    this.architecture = architecture;
  }

  /** Of a network that learns from images; two-layer does not. */
  Optional<Architecture> architecture() {
    return architecture;
  }

  /** As on the command line. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
