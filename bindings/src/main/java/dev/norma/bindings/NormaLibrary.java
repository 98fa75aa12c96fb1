package dev.norma.bindings;

import java.lang.foreign.SymbolLookup;
import java.nio.file.Path;
import java.util.function.Consumer;

/**
 * Loads the native library, which must happen before the first call of a function in {@link dev.norma.bindings.c}.
 *
 * <p>The library is the file that the system property {@value #PATH_PROPERTY} names; where that is not set, the one
 * packed in this module's jar for the platform. The packed library is extracted to the directory that the system
 * property {@value #DIRECTORY_PROPERTY} names, else to {@code $XDG_CACHE_HOME/norma} or {@code ~/.cache/norma}. It
 * stays there under a name that holds a hash of its content, and later runs use it again. One choice never falls back
 * to another.
 */
public final class NormaLibrary {
  /** System property: the path of the library file to load, instead of the one packed in the jar. */
  public static final String PATH_PROPERTY = "norma.library.path";

  /**
   * System property: the directory to extract the packed library to. It is created for the owner alone if it does not
   * exist; it must allow execution, and other users must not be able to write to it.
   */
  public static final String DIRECTORY_PROPERTY = "norma.library.dir";

  private static Path loaded;

  private NormaLibrary() {}

  /**
   * Loads the library on the first call; later calls do nothing. After a failure the next call tries again. Safe to
   * call from any thread.
   *
   * @return the absolute path of the loaded file
   * @throws NormaLibraryException if the library cannot be found or loaded, or if native access is denied
   */
  public static synchronized Path load() {
    if (loaded == null) {
      var file = LibraryFile.find(System::getProperty, Platform.current());
      link(file, path -> System.load(path.toString()));
      requireNorma(file);
      loaded = file.path();
    }
    return loaded;
  }

  static void link(LibraryFile file, Consumer<Path> loader) {
    file.requireFormat();
    try {
      loader.accept(file.path());
    } catch (IllegalCallerException | UnsatisfiedLinkError e) {
      throw LoadFailure.explain(file, e);
    }
  }

  /** Any shared library loads; without this check the wrong one would show only at the first call. */
  private static void requireNorma(LibraryFile file) {
    if (SymbolLookup.loaderLookup().find("norma_version").isEmpty()) {
      throw file.failure("it is a shared library, but not Norma: it has no function norma_version.");
    }
  }
}
