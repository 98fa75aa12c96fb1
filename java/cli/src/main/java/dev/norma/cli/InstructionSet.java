package dev.norma.cli;

import dev.norma.NativeLibrary;
import dev.norma.NormaException;
import java.util.Objects;
import java.util.stream.Collectors;

/** The instruction set that the native kernels use. */
public final class InstructionSet {
  private static final String FORCED = "NORMA_ISA";

  private InstructionSet() {}

  /**
   * Fails early, and with the names to choose from, where the environment forces one that cannot be used.
   *
   * @return its name
   * @throws UserException if it cannot be used
   */
  public static String require() {
    try {
      return NativeLibrary.isaName();
    } catch (NormaException e) {
      var exception = new UserException("%s=%s cannot be used here (%s); available: %s"
          .formatted(FORCED, Objects.requireNonNullElse(System.getenv(FORCED), ""), e.getMessage(), names(true)));
      exception.initCause(e);
      throw exception;
    }
  }

  /**
   * What is used and why.
   *
   * @return such as "x86-64-v4, the best that is available"
   * @throws UserException if the environment forces one that cannot be used
   */
  public static String describe() {
    return require() + (System.getenv(FORCED) == null ? ", the best that is available" : ", forced by " + FORCED);
  }

  /** The names of those that this processor can run, or of those that it cannot. */
  static String names(boolean supported) {
    String names = NativeLibrary.isaLevels().stream()
        .filter(level -> level.supported() == supported)
        .map(NativeLibrary.IsaLevel::name)
        .collect(Collectors.joining(", "));
    return names.isEmpty() ? "none" : names;
  }
}
