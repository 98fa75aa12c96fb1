package dev.norma.cli.train;

/** Who is told how a training goes. */
interface Progress extends AutoCloseable {
  Progress NONE = (checkpoint, epochs) -> {};

  /** After each measurement; {@code epochs} is how many epochs are done, with their fraction. */
  void at(Checkpoint checkpoint, double epochs);

  @Override
  default void close() {}
}
