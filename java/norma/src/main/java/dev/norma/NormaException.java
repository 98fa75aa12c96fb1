package dev.norma;

/**
 * What the C library refused or could not do. Nothing has been written then: all outputs and all state are as they
 * were. Mistakes in arguments are exceptions of the Java library instead.
 */
public final class NormaException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** What C returned. */
  private final int status;

  NormaException(int status, String message) {
    super(message);
    this.status = status;
  }

  /**
   * The status that C returned.
   *
   * @return a value of {@code enum norma_status_code}, never 0
   */
  public int status() {
    return status;
  }
}
