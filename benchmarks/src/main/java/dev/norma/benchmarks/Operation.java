package dev.norma.benchmarks;

/** What is computed, by the name that protocol, results and report use. */
public enum Operation {
  /** Batch normalization alone. */
  BATCH_NORM("batch-norm", Normalization.BATCH, false, false),
  /** Batch normalization and ReLU. */
  BATCH_NORM_RELU("batch-norm-relu", Normalization.BATCH, true, false),
  /** Batch normalization, the addition of a residual, and ReLU: the end of a block of a residual network. */
  BATCH_NORM_ADD_RELU("batch-norm-add-relu", Normalization.BATCH, true, true),
  /** Layer normalization. */
  LAYER_NORM("layer-norm", Normalization.LAYER, false, false),
  /** RMS normalization: of the same rows as layer normalization, without mean and beta. */
  RMS_NORM("rms-norm", Normalization.LAYER, false, false),
  /** Group normalization. */
  GROUP_NORM("group-norm", Normalization.GROUP, false, false),
  /** Instance normalization. */
  INSTANCE_NORM("instance-norm", Normalization.INSTANCE, false, false);

  private final String text;
  private final Normalization normalization;
  private final boolean relu;
  private final boolean residual;

  Operation(String text, Normalization normalization, boolean relu, boolean residual) {
    this.text = text;
    this.normalization = normalization;
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
   * What it normalizes by.
   *
   * @return which values are normalized together
   */
  public Normalization normalization() {
    return normalization;
  }

  /**
   * Whether the mean is subtracted and beta added.
   *
   * @return false for RMS normalization
   */
  public boolean hasMean() {
    return this != RMS_NORM;
  }

  /**
   * Whether it is more than a normalization.
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
