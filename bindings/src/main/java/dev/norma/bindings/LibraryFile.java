package dev.norma.bindings;

import static dev.norma.bindings.NormaLibrary.DIRECTORY_PROPERTY;
import static dev.norma.bindings.NormaLibrary.PATH_PROPERTY;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.function.UnaryOperator;

/** The library file to load, and whether it was packed in the jar or named by a system property. */
record LibraryFile(Path path, boolean packed) {

  /** An explicit property that does not lead to a file is an error, not a reason to look elsewhere. */
  static LibraryFile find(UnaryOperator<String> properties, Platform platform) {
    var explicit = properties.apply(PATH_PROPERTY);
    if (explicit != null) {
      var file = new LibraryFile(parse(PATH_PROPERTY, explicit), false);
      file.requireReadable();
      return file;
    }
    var directory = properties.apply(DIRECTORY_PROPERTY);
    var target = directory == null ? userCache(properties) : parse(DIRECTORY_PROPERTY, directory);
    return new LibraryFile(PackedLibrary.extract(platform, target), true);
  }

  /** The failure to load this file, for {@code reason}: a clause, then what to do about it. */
  NormaLibraryException failure(String reason) {
    return new NormaLibraryException("Cannot load the Norma library " + this + ": " + reason);
  }

  /** As {@link #failure(String)}, with the error that led to it. */
  NormaLibraryException failure(String reason, Throwable cause) {
    return new NormaLibraryException("Cannot load the Norma library " + this + ": " + reason, cause);
  }

  private void requireReadable() {
    var remedy = " Set " + PATH_PROPERTY + " to the library file, or leave it unset to use the one in the jar.";
    if (Files.notExists(path)) {
      throw failure("there is no such file." + remedy);
    }
    if (!Files.isReadable(path)) {
      throw failure("this user may not read it." + remedy);
    }
    if (!Files.isRegularFile(path)) {
      throw failure("it is not a file." + remedy);
    }
  }

  /**
   * Checks the file before the system's loader maps it: of one that is no library the JVM prints a warning of its own,
   * and one that was cut off ends the process.
   */
  void requireFormat() {
    var platform = Platform.current();
    if (!platform.os().equals("linux")) {
      return;
    }
    try {
      var header = ElfHeader.read(path)
          .orElseThrow(() -> failure("it is not a shared library (there is no ELF header at its beginning)."));
      if (!header.arch().equals(platform.arch())) {
        throw failure("it is built for " + header.arch() + ", and this JVM runs on " + platform.arch()
            + ". Use one built for " + platform + ".");
      }
      var length = Files.size(path);
      if (length < header.length()) {
        throw failure("it is damaged: " + length + " of " + header.length() + " bytes are there. Replace it.");
      }
    } catch (IOException e) {
      throw failure("it cannot be read: " + e + ".", e);
    }
  }

  private static Path userCache(UnaryOperator<String> properties) {
    // The specification of XDG_CACHE_HOME says that a relative path in it is to be ignored.
    var cache = System.getenv("XDG_CACHE_HOME");
    var usable = cache != null && cache.startsWith("/");
    var root = usable ? Path.of(cache) : Path.of(properties.apply("user.home"), ".cache");
    return root.resolve("norma").toAbsolutePath();
  }

  private static Path parse(String property, String value) {
    if (value.isBlank()) {
      throw new NormaLibraryException("Cannot load the Norma library: the system property " + property + " is empty.");
    }
    try {
      return Path.of(value).toAbsolutePath();
    } catch (InvalidPathException e) {
      throw new NormaLibraryException(
          "Cannot load the Norma library: the system property " + property + " is not a path: " + e.getMessage(), e);
    }
  }

  @Override
  public String toString() {
    return path + (packed ? " (extracted from the jar)" : " (system property " + PATH_PROPERTY + ")");
  }
}
