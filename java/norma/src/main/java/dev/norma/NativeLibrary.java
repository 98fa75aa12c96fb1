package dev.norma;

import dev.norma.bindings.NormaLibrary;
import dev.norma.bindings.c.Norma;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;

/**
 * What can be asked about the C library. Every method loads it first.
 *
 * @see NormaLibrary how the library is found
 */
public final class NativeLibrary {
  private NativeLibrary() {}

  /**
   * An instruction-set level for which the library holds kernels.
   *
   * @param name such as {@code x86-64-v4}, the value that the environment variable {@code NORMA_ISA} takes
   * @param supported whether this processor and operating system can run it
   */
  public record IsaLevel(String name, boolean supported) {}

  /**
   * The file that is loaded.
   *
   * @return its absolute path
   * @throws dev.norma.bindings.NormaLibraryException if the library cannot be loaded; the message says what was tried
   */
  public static Path path() {
    return NormaLibrary.load();
  }

  /**
   * The version of the library.
   *
   * @return "major.minor.patch"
   */
  public static String version() {
    NormaLibrary.load();
    return text(Norma.norma_version());
  }

  /**
   * The name of the instruction-set level in use: the best that is supported, or the one that the environment variable
   * {@code NORMA_ISA} names.
   *
   * @return such as {@code x86-64-v4}
   * @throws NormaException if {@code NORMA_ISA} names a level that is unknown or not supported
   */
  public static String isaName() {
    NormaLibrary.load();
    NativeKernels.requireOk("NORMA_ISA", Norma.norma_isa_status());
    return text(Norma.norma_isa_name());
  }

  /**
   * All levels that the library was built with.
   *
   * @return the levels, best first
   */
  public static List<IsaLevel> isaLevels() {
    NormaLibrary.load();
    return IntStream.range(0, Norma.norma_isa_count())
        .mapToObj(
            level ->
                new IsaLevel(text(Norma.norma_isa_level_name(level)), Norma.norma_isa_level_supported(level) == 1))
        .toList();
  }

  /**
   * The size of the OpenMP team that {@code threads(0)} asks for.
   *
   * @return the number of threads
   */
  public static int defaultThreads() {
    NormaLibrary.load();
    return Norma.norma_default_threads();
  }

  private static String text(MemorySegment string) {
    return string.getString(0);
  }
}
