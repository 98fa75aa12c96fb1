package dev.norma;

import java.nio.file.Path;

/** A file that is not what it should be. The message names the file, what was found, and what was expected. */
public final class MalformedFileException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** The path of the file: a path itself cannot be serialized. */
  private final String file;

  MalformedFileException(Path file, String problem) {
    super(file + ": " + problem);
    this.file = file.toString();
  }

  /**
   * The file that was read.
   *
   * @return its path
   */
  public Path file() {
    return Path.of(file);
  }
}
