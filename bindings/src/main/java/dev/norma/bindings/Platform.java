package dev.norma.bindings;

import java.util.Locale;

/** What a library is built for, spelt like {@code linux-x86_64}. */
record Platform(String os, String arch) {

  static Platform current() {
    return of(System.getProperty("os.name"), System.getProperty("os.arch"));
  }

  /** From the values of the system properties {@code os.name} and {@code os.arch}. */
  static Platform of(String osName, String osArch) {
    var os = osName.toLowerCase(Locale.ROOT);
    var arch = osArch.toLowerCase(Locale.ROOT);
    return new Platform(
        os.startsWith("windows") ? "windows" : os.equals("mac os x") ? "macos" : os,
        arch.equals("amd64") ? "x86_64" : arch);
  }

  /** Where the jar holds the library for this platform. */
  String resource() {
    return "/dev/norma/bindings/native/" + this + "/" + System.mapLibraryName("norma");
  }

  @Override
  public String toString() {
    return os + "-" + arch;
  }
}
