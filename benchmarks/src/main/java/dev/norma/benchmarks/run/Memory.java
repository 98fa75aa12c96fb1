package dev.norma.benchmarks.run;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The memory of the machine, as Linux tells it. */
final class Memory {
  private static final Path FACTS = Path.of("/proc/meminfo");

  private Memory() {}

  /** Bytes that the machine has. */
  static long total() {
    return read("MemTotal:");
  }

  /** Bytes that processes can still get without swapping. */
  static long available() {
    return read("MemAvailable:");
  }

  private static long read(String label) {
    try (var lines = Files.lines(FACTS)) {
      return lines.filter(line -> line.startsWith(label))
          .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) << 10)
          .findFirst()
          .orElseThrow(() -> new IOException(FACTS + " has no " + label));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Such as "1.2 GB". */
  static String text(long bytes) {
    return "%.1f GB".formatted(bytes / 1e9);
  }
}
