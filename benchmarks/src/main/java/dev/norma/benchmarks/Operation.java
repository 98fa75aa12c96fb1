package dev.norma.benchmarks;

/** What is computed, by the name that protocol, results and report use. */
public enum Operation {
  /** Batch normalization alone. */
  BATCH_NORM("batch-norm", false, false),
  /** Batch normalization and ReLU. */
  BATCH_NORM_RELU("batch-norm-relu", true, false),
  /** Batch normalization, the addition of a residual, and ReLU: the end of a block of a residual network. */
  BATCH_NORM_ADD_RELU("batch-norm-add-relu", true, true);

  private final String text;
  private final boolean relu;
  private final boolean residual;

  Operation(String text, boolean relu, boolean residual) {
    this.text = text;
    this.relu = relu;
    this.residual = residual;
  }

  /**
   * The operation of a name.
   *
   * @param text such as {@code batch-norm}
   * @return the operation
   * @throws IllegalArgumentException if there is none
   */
  public static Operation of(String text) {
    return Names.find(values(), text, "operation");
  }

  /**
   * Whether it is more than batch normalization alone.
   *
   * @return true if it ends in ReLU
   */
  public boolean hasRelu() {
    return relu;
  }

  /**
   * Whether a residual is added.
   *
   * @return true if it has one more input, and one more gradient
   */
  public boolean hasResidual() {
    return residual;
  }

  @Override
  public String toString() {
    return text;
  }
}
