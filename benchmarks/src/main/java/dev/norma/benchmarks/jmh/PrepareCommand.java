package dev.norma.benchmarks.jmh;

import dev.norma.benchmarks.Case;
import dev.norma.benchmarks.Operation;
import dev.norma.benchmarks.Pass;
import dev.norma.benchmarks.Shape;
import dev.norma.benchmarks.Types;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * The command {@code prepare,OPERATION,PASS,TYPE,LAYOUT,N,C,S,GROUPS,THREADS,INPUTS,OUTPUTS}.
 *
 * @param measured the case that is asked for
 * @param inputs the folder with the arrays that it starts from
 * @param outputs the folder for what it computes; empty if that is not wanted
 */
record PrepareCommand(Case measured, Path inputs, Optional<Path> outputs) {
  private static final int FIELDS = 12;

  /**
   * Reads the fields of a line.
   *
   * @param fields all of them, the name of the command first
   * @throws IllegalArgumentException if they are no such command; the message says which field is not
   */
  static PrepareCommand of(List<String> fields) {
    if (fields.size() != FIELDS) {
      throw new IllegalArgumentException(
          "prepare has %d fields, not %d: prepare,OPERATION,PASS,TYPE,LAYOUT,N,C,S,GROUPS,THREADS,INPUTS,OUTPUTS"
              .formatted(FIELDS, fields.size()));
    }
    var type = fields.get(3);
    if (!Types.ALL.contains(type)) {
      throw new IllegalArgumentException("TYPE must be one of %s, not '%s'".formatted(
          String.join(", ", Types.ALL), type));
    }
    var operation = Operation.of(fields.get(1));
    var shape = new Shape(
        "", "", operation.normalization(), positive("N", fields.get(5)), positive("C", fields.get(6)),
        positive("S", fields.get(7)), positive("GROUPS", fields.get(8)), 1);
    var threads = Math.toIntExact(positive("THREADS", fields.get(9)));
    return new PrepareCommand(
        new Case(operation, Pass.of(fields.get(2)), type, fields.get(4), shape, threads),
        Path.of(fields.get(10)),
        Optional.of(fields.get(11)).filter(folder -> !folder.isEmpty()).map(Path::of));
  }

  /** A field that is a whole number of at least 1. */
  static long positive(String name, String text) {
    if (!text.matches("[1-9]\\d{0,17}")) {
      throw new IllegalArgumentException(name + " must be a whole number of at least 1, not '" + text + "'");
    }
    return Long.parseLong(text);
  }
}
