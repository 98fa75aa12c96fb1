package dev.norma.benchmarks.run;

import dev.norma.cli.UserException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVRecord;

/** Reads CSV files that people write: with {@code #} comments, and with errors that say where they are. */
final class CsvTable {
  private static final CSVFormat FORMAT = CSVFormat.DEFAULT.builder()
      .setCommentMarker('#')
      .setIgnoreSurroundingSpaces(true)
      .setHeader()
      .setSkipHeaderRecord(true)
      .get();

  private CsvTable() {}

  /** Reads all rows; {@code row} throws an {@link IllegalArgumentException} that says what was expected. */
  static <T> List<T> read(Path file, List<String> columns, Function<CSVRecord, T> row) throws IOException {
    return read(file, columns, List.of(), row);
  }

  /** The same of a file that may have more columns, behind the others. */
  static <T> List<T> read(Path file, List<String> columns, List<String> more, Function<CSVRecord, T> row)
      throws IOException {
    try (var reader = Files.newBufferedReader(file); var records = FORMAT.parse(reader)) {
      var names = records.getHeaderNames();
      int least = Math.min(names.size(), columns.size());
      if (!names.subList(0, least).equals(columns) || !more.containsAll(names.subList(least, names.size()))) {
        throw new UserException("%s: its columns are %s, expected %s%s".formatted(
            file, String.join(",", names), String.join(",", columns),
            more.isEmpty() ? "" : " and perhaps " + String.join(",", more)));
      }
      var rows = new ArrayList<T>();
      for (var line : records) {
        rows.add(convert(file, line, row));
      }
      if (rows.isEmpty()) {
        throw new UserException(file + ": no row, expected at least one of " + String.join(",", columns));
      }
      return List.copyOf(rows);
    }
  }

  private static <T> T convert(Path file, CSVRecord line, Function<CSVRecord, T> row) {
    try {
      if (!line.isConsistent()) {
        throw new IllegalArgumentException(
            "%d fields, expected %d".formatted(line.size(), line.getParser().getHeaderNames().size()));
      }
      return row.apply(line);
    } catch (IllegalArgumentException e) {
      throw new UserException("%s, row %d: %s".formatted(file, line.getRecordNumber(), e.getMessage()));
    }
  }

  /** A whole number of at least 1. */
  static long positive(CSVRecord line, String column) {
    String text = line.get(column);
    if (!text.matches("[1-9][0-9]{0,17}")) {
      throw new IllegalArgumentException("%s is '%s', expected a whole number from 1".formatted(column, text));
    }
    return Long.parseLong(text);
  }

  /** The field of a column that the file may not have. */
  static Optional<String> optional(CSVRecord line, String column) {
    return line.isMapped(column) ? Optional.of(line.get(column)) : Optional.empty();
  }

  /** A text that is not empty. */
  static String text(CSVRecord line, String column) {
    String text = line.get(column);
    if (text.isEmpty()) {
      throw new IllegalArgumentException(column + " is empty");
    }
    return text;
  }

  /** Words of a choice, at least one, separated by blanks. */
  static List<String> words(CSVRecord line, String column, List<String> choice) {
    var words = List.of(text(line, column).split(" +"));
    for (var word : words) {
      if (!choice.contains(word)) {
        throw new IllegalArgumentException(
            "%s has '%s', expected of %s".formatted(column, word, String.join(", ", choice)));
      }
    }
    return words;
  }
}
