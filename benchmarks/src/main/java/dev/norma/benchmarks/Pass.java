package dev.norma.benchmarks;

import java.util.Arrays;
import java.util.List;

/** One pass through a batch normalization, by the name that protocol, results and report use. */
public enum Pass {
  /** y by the statistics of the batch. */
  FORWARD_TRAINING("forward-training", 2, List.of("y")),
  /** y by running statistics. */
  FORWARD_INFERENCE("forward-inference", 2, List.of("y")),
  /** Gradients by x, gamma and beta, through the statistics of the batch. */
  BACKWARD_TRAINING("backward-training", 3, List.of("dx", "dgamma", "dbeta"));

  private final String text;
  private final int streams;
  private final List<String> outputs;

  Pass(String text, int streams, List<String> outputs) {
    this.text = text;
    this.streams = streams;
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
    return Arrays.stream(values())
        .filter(pass -> pass.text.equals(text))
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException("'" + text + "' is no pass"));
  }

  /**
   * How many tensors must cross the memory bus at least: what is read once and written once.
   *
   * @return 2 for a forward pass (x, y), 3 for a backward pass (x, dy, dx)
   */
  public int streams() {
    return streams;
  }

  /**
   * What the pass computes.
   *
   * @return the names of the files that a runner writes
   */
  public List<String> outputs() {
    return outputs;
  }

  @Override
  public String toString() {
    return text;
  }
}
