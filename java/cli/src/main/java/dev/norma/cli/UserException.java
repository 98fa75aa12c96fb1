package dev.norma.cli;

/** What a user can put right: its message alone, one line, is what the user has to know. */
final class UserException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  UserException(String message) {
    super(message);
  }
}
