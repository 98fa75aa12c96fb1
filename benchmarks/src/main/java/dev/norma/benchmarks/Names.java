package dev.norma.benchmarks;

import java.util.Arrays;

/** Finds values by the names that protocol, results and report use. */
final class Names {
  private Names() {}

  /** The one of the values that is written so; {@code what} says what they are. */
  static <T> T find(T[] values, String text, String what) {
    return Arrays.stream(values)
        .filter(value -> value.toString().equals(text))
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException("'" + text + "' is no " + what));
  }
}
