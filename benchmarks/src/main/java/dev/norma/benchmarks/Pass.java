package dev.norma.benchmarks;

import java.util.List;
import java.util.stream.Stream;

/** One pass through an operation, by the name that protocol, results and report use. */
public enum Pass {
  /** y by the statistics of what is normalized: the only forward pass where there are no running statistics. */
  FORWARD_TRAINING("forward-training", 2, 1, List.of("y")),
  /** y by running statistics. */
  FORWARD_INFERENCE("forward-inference", 2, 1, List.of("y")),
  /** Gradients by x, gamma and beta, and by the residual if there is one, through the statistics. */
  BACKWARD_TRAINING("backward-training", 3, 2, List.of("dx", "dgamma", "dbeta"));

  private final String text;
  private final int streams;
  private final int residualStreams;
  private final List<String> outputs;

  Pass(String text, int streams, int residualStreams, List<String> outputs) {
    this.text = text;
    this.streams = streams;
    this.residualStreams = residualStreams;
    this.outputs = outputs;
  }

  /**
   * The pass of a name.
   *
   * @param text such as {@code forward-training}
   * @return the pass
   * @throws IllegalArgumentException if there is none
   */
  public static Pass of(String text) {
    return Names.find(values(), text, "pass");
  }

  /**
   * Whether an operation has this pass.
   *
   * @param operation which
   * @return false for inference without running statistics, which is the forward pass for training
   */
  public boolean isOf(Operation operation) {
    return this != FORWARD_INFERENCE || operation.normalization() == Normalization.BATCH;
  }

  /**
   * How many tensors cross the memory bus where each is read once or written once, and nothing is kept in its place.
   *
   * @param operation of which this is a pass
   * @return 2 for a forward pass (x, y), 3 for a backward pass (x, dy, dx); with a residual one more forward (residual)
   *     and two more backward (residual, dresidual)
   */
  public int streams(Operation operation) {
    return streams + (operation.hasResidual() ? residualStreams : 0);
  }

  /**
   * What the pass computes.
   *
   * @param operation of which this is a pass
   * @return the names of the files that a runner writes
   */
  public List<String> outputs(Operation operation) {
    var residual = this == BACKWARD_TRAINING && operation.hasResidual() ? Stream.of("dresidual") : Stream.<String>of();
    return Stream.concat(outputs.stream().filter(name -> operation.hasMean() || !name.equals("dbeta")), residual)
        .toList();
  }

  @Override
  public String toString() {
    return text;
  }
}
