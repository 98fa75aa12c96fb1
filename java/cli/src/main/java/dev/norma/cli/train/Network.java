package dev.norma.cli.train;

import java.util.Locale;

/** The networks of the texts. */
enum Network {
  MLP(new Perceptron()),
  LENET(new LeNet());

  private final Architecture architecture;

  Network(Architecture architecture) {
    this.architecture = architecture;
  }

  Architecture architecture() {
    return architecture;
  }

  /** As on the command line. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
