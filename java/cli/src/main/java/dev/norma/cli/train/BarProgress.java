package dev.norma.cli.train;

import me.tongfei.progressbar.ProgressBar;

/** Progress for a terminal: a bar that is gone when the training is done. */
final class BarProgress implements Progress {
  private final ProgressBar bar;

  BarProgress(ProgressBar bar) {
    this.bar = bar;
  }

  @Override
  public void at(Checkpoint checkpoint, double epochs) {
    bar.stepTo(checkpoint.iteration());
    bar.setExtraMessage(" loss %.3f".formatted(checkpoint.validation().loss()));
  }

  @Override
  public void close() {
    bar.close();
  }
}
