package dev.norma.benchmarks.run;

/**
 * What comes of dy through ReLU: all of it where z is above 0, and nothing elsewhere. Where z is as near to 0 as its
 * error, either is right. Without ReLU all of dy passes.
 */
final class PassedGradient {
  private final Inputs in;
  private final OutputBounds output;

  /** {@code output} is that of the forward pass for training. */
  PassedGradient(Inputs in, OutputBounds output) {
    this.in = in;
    this.output = output;
  }

  /** The magnitude of what may pass. */
  double most(long i, int c) {
    return !in.operation().hasRelu() || output.z(i, c) >= -output.errorOfZ(i, c) ? Math.abs(in.dy.get(i)) : 0;
  }

  /** The magnitude of what may pass or not. */
  double doubt(long i, int c) {
    return in.operation().hasRelu() && Math.abs(output.z(i, c)) <= output.errorOfZ(i, c)
        ? Math.abs(in.dy.get(i))
        : 0;
  }
}
