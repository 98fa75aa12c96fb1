package dev.norma.cli;

/** What a user can put right: its message alone, one line, is what the user has to know. */
public final class UserException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /**
   * An exception.
   *
   * @param message one line: what is wrong, what was expected, what to do
   */
  public UserException(String message) {
    super(message);
  }
}
