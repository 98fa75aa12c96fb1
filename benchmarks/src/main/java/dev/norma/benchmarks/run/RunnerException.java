package dev.norma.benchmarks.run;

/** A runner that died, was too slow to answer, or did not keep to the protocol; the message says why. */
final class RunnerException extends Exception {
  private static final long serialVersionUID = 1L;

  RunnerException(String message) {
    super(message);
  }
}
