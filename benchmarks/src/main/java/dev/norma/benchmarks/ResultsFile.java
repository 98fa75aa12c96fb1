package dev.norma.benchmarks;

import java.io.Closeable;
import java.io.IOException;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.function.Function;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVPrinter;
import org.apache.commons.csv.CSVRecord;

/** results.csv: written row by row, so that what was measured is kept however a run ends. */
public final class ResultsFile implements Closeable {
  private static final CSVFormat FORMAT = CSVFormat.RFC4180.builder()
      .setRecordSeparator('\n')
      .setHeader(
          "implementation", "language", "version", "operation", "pass", "type", "layout", "N", "C", "S", "groups", "set",
          "shape", "count", "threads", "round", "ns", "gb_per_s", "bytes_per_call", "correct", "error_ulp", "note")
      .get();

  /** By the columns that a file has: older ones have no groups. */
  private static final CSVFormat AS_WRITTEN =
      CSVFormat.RFC4180.builder().setHeader().setSkipHeaderRecord(true).get();

  private final Writer writer;
  private final CSVPrinter printer;

  /**
   * Creates the file, over an older one.
   *
   * @param file to write
   * @throws IOException if it cannot be written
   */
  public ResultsFile(Path file) throws IOException {
    writer = Files.newBufferedWriter(file);
    printer = FORMAT.print(writer);
    printer.flush();
  }

  /**
   * Appends a row and writes it through.
   *
   * @param row to append
   * @throws IOException if it cannot be written
   */
  public void add(Row row) throws IOException {
    var measured = row.measured();
    var shape = measured.map(Case::shape);
    printer.printRecord(
        row.implementation(),
        row.language(),
        row.version(),
        text(measured, Case::operation),
        text(measured, Case::pass),
        text(measured, Case::type),
        text(measured, Case::layout),
        text(shape, Shape::batch),
        text(shape, Shape::channels),
        text(shape, Shape::spatial),
        text(shape, Shape::groups),
        text(shape, Shape::set),
        text(shape, Shape::name),
        text(shape, Shape::count),
        text(measured, Case::threads),
        row.round().isPresent() ? row.round().getAsInt() : "",
        number("%.1f", row.nanoseconds()),
        number("%.3f", row.gigabytesPerSecond()),
        number("%.1f", row.heapBytes()),
        text(row.correct(), Function.identity()),
        number("%.2f", row.error()),
        row.note());
    printer.flush();
  }

  private static <T> String text(Optional<T> value, Function<T, ?> field) {
    return value.map(field).map(Object::toString).orElse("");
  }

  private static String number(String format, OptionalDouble value) {
    return value.isPresent() ? String.format(Locale.ROOT, format, value.getAsDouble()) : "";
  }

  @Override
  public void close() throws IOException {
    writer.close();
  }

  /**
   * Reads a whole file.
   *
   * @param file that {@link #add} wrote
   * @return its rows
   * @throws IOException if it cannot be read
   * @throws IllegalArgumentException if it is no such file; the message says where
   */
  public static List<Row> read(Path file) throws IOException {
    try (var reader = Files.newBufferedReader(file);
        var records = AS_WRITTEN.parse(reader)) {
      return records.stream().map(line -> row(file, line)).toList();
    }
  }

  private static Row row(Path file, CSVRecord line) {
    try {
      return new Row(
          line.get("implementation"),
          line.get("language"),
          line.get("version"),
          line.get("pass").isEmpty() ? Optional.empty() : Optional.of(measured(line)),
          line.get("round").isEmpty() ? OptionalInt.empty() : OptionalInt.of(Integer.parseInt(line.get("round"))),
          number(line.get("ns")),
          number(line.get("bytes_per_call")),
          line.get("correct").isEmpty() ? Optional.empty() : Optional.of(Boolean.valueOf(line.get("correct"))),
          number(line.get("error_ulp")),
          line.get("note"));
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          "%s, row %d: not a row of results (%s)".formatted(file, line.getRecordNumber(), e.getMessage()), e);
    }
  }

  private static Case measured(CSVRecord line) {
    var operation = Operation.of(line.get("operation"));
    var shape = new Shape(
        line.get("set"),
        line.get("shape"),
        operation.normalization(),
        Long.parseLong(line.get("N")),
        Long.parseLong(line.get("C")),
        Long.parseLong(line.get("S")),
        line.isMapped("groups") ? Long.parseLong(line.get("groups")) : 1,
        Integer.parseInt(line.get("count")));
    return new Case(
        operation,
        Pass.of(line.get("pass")),
        line.get("type"),
        line.get("layout"),
        shape,
        Integer.parseInt(line.get("threads")));
  }

  private static OptionalDouble number(String text) {
    return text.isEmpty() ? OptionalDouble.empty() : OptionalDouble.of(Double.parseDouble(text));
  }
}
