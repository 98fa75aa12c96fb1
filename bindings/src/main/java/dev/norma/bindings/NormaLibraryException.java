package dev.norma.bindings;

/** The native library cannot be loaded. The message says what was tried, what is wrong, and what to do about it. */
public final class NormaLibraryException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  NormaLibraryException(String message) {
    super(message);
  }

  NormaLibraryException(String message, Throwable cause) {
    super(message, cause);
  }
}
