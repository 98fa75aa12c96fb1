package dev.norma.cli.data;

/** A data file that is not what its format says: which file, which byte, what was expected and what was found. */
final class MalformedDataException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  MalformedDataException(String file, long offset, String expected, String found) {
    super(file + ", byte " + offset + ": expected " + expected + ", found " + found);
  }
}
