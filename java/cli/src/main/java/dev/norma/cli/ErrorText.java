package dev.norma.cli;

import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;

/** What an exception means to someone who does not know the program. */
public final class ErrorText {
  private ErrorText() {}

  /**
   * In words.
   *
   * @param exception what was thrown
   * @return one line for the user
   */
  public static String of(Throwable exception) {
    return switch (exception) {
      case UncheckedIOException unchecked -> of(unchecked.getCause());
      // These have nothing but the file as their message.
      case NoSuchFileException missing -> missing.getFile() + ": no such file or folder";
      case AccessDeniedException denied -> denied.getFile() + ": permission denied";
      case FileAlreadyExistsException existing -> existing.getFile() + ": is a file, not a folder";
      case OutOfMemoryError memory -> "not enough memory: " + memory.getMessage();
      default -> exception.getMessage() == null ? exception.toString() : exception.getMessage();
    };
  }
}
