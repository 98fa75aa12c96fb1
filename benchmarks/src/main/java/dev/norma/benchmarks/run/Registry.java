package dev.norma.benchmarks.run;

import dev.norma.benchmarks.Implementation;
import dev.norma.benchmarks.Normalization;
import dev.norma.benchmarks.Types;
import dev.norma.cli.UserException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.apache.commons.csv.CSVRecord;

/** implementations.csv: everything that can be compared. */
public final class Registry {
  static final String NCHW = "nchw";
  static final String NHWC = "nhwc";

  /** oneDNN's own order: 16 channels together. */
  static final String BLOCKED = "nChw16c";

  static final List<String> LAYOUTS = List.of(NCHW, NHWC, BLOCKED);

  private static final List<String> COLUMNS =
      List.of("implementation", "language", "kind", "normalizations", "types", "layouts", "threads", "command");
  private static final List<String> KINDS =
      Stream.of(Implementation.Kind.values()).map(kind -> kind.name().toLowerCase(Locale.ROOT)).toList();

  private static final List<String> NORMALIZATIONS =
      Stream.of(Normalization.values()).map(Normalization::toString).toList();

  private Registry() {}

  /**
   * Reads a registry.
   *
   * @param file in the format of implementations.csv
   * @return its rows, in their order
   * @throws IOException if it cannot be read
   * @throws UserException if a row is not as it should be; the message says which and what was expected
   */
  public static List<Implementation> read(Path file) throws IOException {
    var implementations = CsvTable.read(file, COLUMNS, Registry::implementation);
    var names = new HashSet<String>();
    for (var implementation : implementations) {
      if (!names.add(implementation.name())) {
        throw new UserException("%s: '%s' is there twice, expected once".formatted(file, implementation.name()));
      }
    }
    return implementations;
  }

  private static Implementation implementation(CSVRecord line) {
    String name = CsvTable.text(line, "implementation");
    // It names files and stands in lists separated by commas.
    if (!name.matches("[A-Za-z0-9][A-Za-z0-9._+-]*")) {
      throw new IllegalArgumentException(
          "implementation is '%s', expected letters, digits and any of . _ + -".formatted(name));
    }
    return new Implementation(
        name,
        CsvTable.text(line, "language"),
        Implementation.Kind.valueOf(single(line, "kind", KINDS).toUpperCase(Locale.ROOT)),
        CsvTable.words(line, "normalizations", NORMALIZATIONS).stream().map(Normalization::of).toList(),
        CsvTable.words(line, "types", Types.ALL),
        CsvTable.words(line, "layouts", LAYOUTS),
        single(line, "threads", List.of("any", "1")).equals("1"),
        CsvTable.text(line, "command"));
  }

  private static String single(CSVRecord line, String column, List<String> choice) {
    String text = line.get(column);
    if (!choice.contains(text)) {
      throw new IllegalArgumentException(
          "%s is '%s', expected one of %s".formatted(column, text, String.join(", ", choice)));
    }
    return text;
  }
}
