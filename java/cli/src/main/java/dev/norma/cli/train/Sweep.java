package dev.norma.cli.train;

import java.util.Locale;

/** What can be varied from training to training. */
enum Sweep {
  BATCH_SIZE;

  /** As on the command line. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
