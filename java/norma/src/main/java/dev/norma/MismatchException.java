package dev.norma;

/**
 * A result of the native kernels that differs from the reference by more than rounding can explain. Thrown by
 * {@link Kernels#checked()}; the outputs hold what the native kernels wrote.
 */
public final class MismatchException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** The method that was called. */
  private final String operation;
  /** The parameter that differs. */
  private final String output;
  /** The value of the reference. */
  private final double expected;
  /** The value of the native kernels. */
  private final double actual;
  /** The bound. */
  private final double tolerance;

  MismatchException(
      String operation, String output, String position, double expected, double actual, double tolerance) {
    super(
        "%s: %s differs first at %s: native %s, reference %s, difference %s, tolerance %s"
            .formatted(operation, output, position, actual, expected, Math.abs(actual - expected), tolerance));
    this.operation = operation;
    this.output = output;
    this.expected = expected;
    this.actual = actual;
    this.tolerance = tolerance;
  }

  /**
   * The method of {@link Kernels} that was called.
   *
   * @return its name
   */
  public String operation() {
    return operation;
  }

  /**
   * The output in which the difference is.
   *
   * @return the name of the parameter
   */
  public String output() {
    return output;
  }

  /**
   * The value of the reference.
   *
   * @return the value at the first difference
   */
  public double expected() {
    return expected;
  }

  /**
   * The value of the native kernels.
   *
   * @return the value at the first difference
   */
  public double actual() {
    return actual;
  }

  /**
   * The largest difference that rounding can explain.
   *
   * @return the bound at the first difference
   */
  public double tolerance() {
    return tolerance;
  }
}
