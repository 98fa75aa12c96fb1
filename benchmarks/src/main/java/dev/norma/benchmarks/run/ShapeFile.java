package dev.norma.benchmarks.run;

import dev.norma.benchmarks.Normalization;
import dev.norma.benchmarks.Shape;
import dev.norma.cli.UserException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import org.apache.commons.csv.CSVRecord;

/** Sets of shapes: the files of the folder {@code shapes}, or a file of the user's own. */
public final class ShapeFile {
  private static final List<String> COLUMNS = List.of("name", "N", "C", "S", "count");
  private static final List<String> MORE_COLUMNS = List.of("normalization", "groups");
  private static final String EXTENSION = ".csv";

  /** Indices of elements and sizes in bytes stay far from the end of a long. */
  private static final long MOST_ELEMENTS = 1L << 40;

  private ShapeFile() {}

  /**
   * Reads a set of shapes.
   *
   * @param folder of the sets that have a name
   * @param set a name, or a file ending in .csv
   * @return its shapes
   * @throws IOException if it cannot be read
   * @throws UserException if there is no such set, or a row is not as it should be; the message says what was expected
   */
  public static List<Shape> read(Path folder, String set) throws IOException {
    if (set.endsWith(EXTENSION)) {
      return read(Path.of(set));
    }
    var file = folder.resolve(set + EXTENSION);
    if (!Files.exists(file)) {
      throw new UserException(
          "'%s' is no set of shapes, expected %s or a file ending in .csv".formatted(set, names(folder)));
    }
    return read(file);
  }

  private static String names(Path folder) throws IOException {
    try (var files = Files.list(folder)) {
      return files.map(ShapeFile::name).sorted().collect(Collectors.joining(", "));
    }
  }

  private static String name(Path file) {
    String name = file.getFileName().toString();
    return name.substring(0, name.length() - (name.endsWith(EXTENSION) ? EXTENSION.length() : 0));
  }

  private static List<Shape> read(Path file) throws IOException {
    return CsvTable.read(file, COLUMNS, MORE_COLUMNS, line -> shape(name(file), line));
  }

  private static Shape shape(String set, CSVRecord line) {
    var normalization = CsvTable.optional(line, "normalization").map(Normalization::of).orElse(Normalization.BATCH);
    var shape = new Shape(
        set,
        CsvTable.text(line, "name"),
        normalization,
        CsvTable.positive(line, "N"),
        CsvTable.positive(line, "C"),
        CsvTable.positive(line, "S"),
        groups(normalization, line),
        Math.toIntExact(Math.min(CsvTable.positive(line, "count"), Integer.MAX_VALUE)));
    require(shape);
    return shape;
  }

  /** What the file says of group normalization; the others have one group, or as many as channels. */
  private static long groups(Normalization normalization, CSVRecord line) {
    var said = CsvTable.optional(line, "groups").filter(text -> !text.isEmpty());
    if (normalization == Normalization.GROUP) {
      if (said.isEmpty()) {
        throw new IllegalArgumentException("groups is not there, expected a whole number from 1 for group");
      }
      return CsvTable.positive(line, "groups");
    }
    if (said.isPresent()) {
      throw new IllegalArgumentException(
          "groups is '%s', expected nothing for %s".formatted(said.get(), normalization));
    }
    return normalization == Normalization.INSTANCE ? CsvTable.positive(line, "C") : 1;
  }

  /**
   * A shape with another batch.
   *
   * @param shape of a set
   * @param batch N, at least 1
   * @return the shape; a name that begins with N x C does so again
   * @throws UserException if one value per channel would be left, or the tensor is too large
   */
  public static Shape withBatch(Shape shape, long batch) {
    String old = shape.batch() + "x" + shape.channels();
    String name = shape.name().startsWith(old)
        ? batch + "x" + shape.channels() + shape.name().substring(old.length())
        : shape.name();
    var changed = new Shape(shape.set(), name, shape.normalization(), batch, shape.channels(), shape.spatial(),
        shape.groups(), shape.count());
    try {
      require(changed);
    } catch (IllegalArgumentException e) {
      throw new UserException("--batch %d, shape %s: %s".formatted(batch, shape.name(), e.getMessage()));
    }
    return changed;
  }

  private static void require(Shape shape) {
    if (shape.normalization() == Normalization.LAYER && shape.spatial() != 1) {
      throw new IllegalArgumentException(
          "S is %d, expected 1 for layer: N rows of C values".formatted(shape.spatial()));
    }
    if (shape.channels() % shape.groups() != 0) {
      throw new IllegalArgumentException("groups is %d, expected a divisor of C".formatted(shape.groups()));
    }
    if (shape.valuesPerSet() == 1) {
      throw new IllegalArgumentException(
          "%s is 1, expected at least 2: one value has no variance".formatted(valuesOf(shape.normalization())));
    }
    // As doubles, which do not overflow.
    if ((double) shape.batch() * shape.channels() * shape.spatial() > MOST_ELEMENTS) {
      throw new IllegalArgumentException("N x C x S is above 2^40, expected a tensor that fits into memory");
    }
  }

  /** How many values are normalized together, in the columns of the file. */
  private static String valuesOf(Normalization normalization) {
    return switch (normalization) {
      case BATCH -> "N x S";
      case LAYER -> "C";
      case GROUP -> "C / groups x S";
      case INSTANCE -> "S";
    };
  }
}
