package dev.norma.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** What Linux tells about the first processor; other systems, and containers that hide it, give "unknown". */
public final class Processor {
  private static final String UNKNOWN = "unknown";
  private static final Path DESCRIPTION = Path.of("/proc/cpuinfo");
  private static final Path CACHES = Path.of("/sys/devices/system/cpu/cpu0/cache");
  private static final int MOST_CACHES = 8;

  private Processor() {}

  /**
   * What the processor calls itself.
   *
   * @return the name, or "unknown"
   */
  public static String name() {
    try (var lines = Files.lines(DESCRIPTION)) {
      return lines.filter(line -> line.startsWith("model name"))
          .map(line -> line.substring(line.indexOf(':') + 1).strip())
          .findFirst()
          .orElse(UNKNOWN);
    } catch (IOException e) {
      return UNKNOWN;
    }
  }

  /**
   * The caches that the first processor sees.
   *
   * @return such as "L1 data 48K, L1 instruction 32K, L2 2048K, L3 107520K", or "unknown"
   */
  public static String caches() {
    String caches = IntStream.range(0, MOST_CACHES)
        .mapToObj(index -> CACHES.resolve("index" + index))
        .flatMap(Processor::cache)
        .collect(Collectors.joining(", "));
    return caches.isEmpty() ? UNKNOWN : caches;
  }

  private static Stream<String> cache(Path folder) {
    try {
      var values = List.of(
          Files.readString(folder.resolve("level")).strip(),
          Files.readString(folder.resolve("type")).strip(),
          Files.readString(folder.resolve("size")).strip());
      String type = values.get(1).equals("Unified") ? "" : " " + values.get(1).toLowerCase(Locale.ROOT);
      return Stream.of("L" + values.get(0) + type + " " + values.get(2));
    } catch (IOException e) {
      return Stream.empty();
    }
  }
}
