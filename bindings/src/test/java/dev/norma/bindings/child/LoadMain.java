package dev.norma.bindings.child;

import dev.norma.bindings.NormaLibrary;
import dev.norma.bindings.NormaLibraryException;

/** Loads the library in a JVM of its own; prints its path, or the one line that a user would see. */
public final class LoadMain {
  private LoadMain() {}

  public static void main(String[] args) {
    try {
      System.out.println(NormaLibrary.load());
    } catch (NormaLibraryException e) {
      System.out.println(e.getMessage());
      System.exit(1);
    }
  }
}
