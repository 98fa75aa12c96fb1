package dev.norma.bindings;

import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Failures that a test cannot bring about on every machine: the words of the system's loader are given here. */
class LoadFailureTest {
  @TempDir private Path folder;
  private Path library;

  @BeforeEach
  void extractLibrary() {
    library = PackedLibrary.extract(Platform.current(), folder.resolve("lib"));
  }

  @Test
  void noExecDirectoryOfThePackedLibrary() {
    assertExplained(true, library + ": " + library + ": failed to map segment from shared object",
        "its directory does not allow execution (mounted noexec?). Set -Dnorma.library.dir to a directory that does.");
  }

  @Test
  void noExecDirectoryOfAGivenFile() {
    assertExplained(false, library + ": failed to map segment from shared object: Operation not permitted",
        "its directory does not allow execution (mounted noexec?). Move it to one that does.");
  }

  @ParameterizedTest
  @ValueSource(strings = {
    "Error loading shared library ld-linux-x86-64.so.2: No such file or directory (needed by libnorma.so)",
    "Error relocating libnorma.so: __memcpy_chk: symbol not found",
    "libc.musl-x86_64.so.1: cannot open shared object file: No such file or directory",
  })
  void libraryOfAnotherCLibrary(String message) {
    assertExplained(false, message,
        "it is not built for this JVM's C library (musl or glibc). Build it from source here.");
  }

  @Test
  void olderCLibrary() {
    assertExplained(false, "/lib/libm.so.6: version `GLIBC_2.38' not found (required by libnorma.so)",
        "it needs GLIBC_2.38, and this system's C library is older. Build it from source here.");
  }

  @Test
  void missingOpenMpRuntime() {
    assertExplained(true, "libgomp.so.1: cannot open shared object file: No such file or directory",
        "the OpenMP runtime libgomp is missing. Install it (Debian: apt-get install libgomp1).");
  }

  @Test
  void anythingElseKeepsTheWordsOfTheLoader() {
    assertExplained(true, "cannot allocate memory in static TLS block",
        "the system's loader says: cannot allocate memory in static TLS block");
  }

  private void assertExplained(boolean packed, String message, String expected) {
    var file = new LibraryFile(library, packed);
    assertThatExceptionOfType(NormaLibraryException.class)
        .isThrownBy(() -> NormaLibrary.link(file, path -> {
          throw new UnsatisfiedLinkError(message);
        }))
        .withMessage("Cannot load the Norma library " + library
            + (packed ? " (extracted from the jar): " : " (system property norma.library.path): ") + expected)
        .withCauseInstanceOf(UnsatisfiedLinkError.class);
  }
}
