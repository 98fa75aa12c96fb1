package dev.norma.benchmarks.run;

import dev.norma.DataType;
import dev.norma.Tensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * What comparing the outputs of a runner with the expected ones gave.
 *
 * @param error the largest, in units in the last place at the size of the terms; until the first wrong output
 * @param mismatch what is wrong first, empty if nothing is
 */
record OutputCheck(double error, Optional<String> mismatch) {
  private static final long NONE = Long.MAX_VALUE;

  /** Of a part of an output. */
  private record Worst(double error, long firstWrong) {
    Worst and(Worst other) {
      return new Worst(Math.max(error, other.error), Math.min(firstWrong, other.firstWrong));
    }
  }

  /** Compares the files in a folder. */
  static OutputCheck of(Path folder, List<Expected.Output> outputs) throws IOException {
    double error = 0;
    for (var output : outputs) {
      var check = of(folder.resolve(output.name()), output);
      error = Math.max(error, check.error);
      if (check.mismatch.isPresent()) {
        return new OutputCheck(error, check.mismatch);
      }
    }
    return new OutputCheck(error, Optional.empty());
  }

  private static OutputCheck of(Path file, Expected.Output output) throws IOException {
    long expected = output.like().segment().byteSize();
    if (!Files.exists(file)) {
      return new OutputCheck(0, Optional.of("%s was not written".formatted(output.name())));
    }
    if (Files.size(file) != expected) {
      return new OutputCheck(0, Optional.of(
          "%s has %d bytes, expected %d".formatted(output.name(), Files.size(file), expected)));
    }
    try (var arena = Arena.ofShared(); var channel = FileChannel.open(file)) {
      var like = output.like();
      var segment = channel.map(FileChannel.MapMode.READ_ONLY, 0, expected, arena);
      return of(Tensor.of(segment, like.dataType(), like.layout(), like.extents()), output);
    }
  }

  private static OutputCheck of(Tensor actual, Expected.Output output) {
    var rows = Rows.of(actual);
    var worst = rows.parts().map(part -> worst(actual, output, rows, part)).reduce(new Worst(0, NONE), Worst::and);
    return new OutputCheck(worst.error, worst.firstWrong == NONE
        ? Optional.empty()
        : Optional.of(text(actual, output, rows, worst.firstWrong)));
  }

  private static Worst worst(Tensor actual, Expected.Output output, Rows rows, Rows.Part part) {
    double error = 0;
    long firstWrong = NONE;
    for (long row = part.from(); row < part.to(); row++) {
      for (int j = 0; j < rows.length(); j++) {
        long i = rows.index(row, j);
        int c = rows.channel(row, j);
        double expected = output.value().applyAsDouble(i);
        double distance = Math.max(0, Math.abs(actual.get(i) - expected) - output.bounds().doubt(i, c));
        // Turned around, so that NaN is wrong.
        if (!(distance <= output.bounds().tolerance(i, c, expected))) {
          firstWrong = Math.min(firstWrong, i);
        }
        error = Math.max(error, distance / ulp(actual.dataType(), output.bounds().scale(i, c, expected)));
      }
    }
    return new Worst(error, firstWrong);
  }

  /** The unit in the last place of a value, were it of the type. */
  static double ulp(DataType type, double value) {
    return switch (type) {
      case FLOAT32 -> Math.ulp((float) value);
      case FLOAT64 -> Math.ulp(value);
      // Numbers of 16 bits lack the last 16 or 13 bits of a float.
      case BFLOAT16 -> 0x1p16 * Math.ulp((float) value);
      case FLOAT16 -> Math.max(0x1p13 * Math.ulp((float) value), 0x1p-24);
    };
  }

  private static String text(Tensor actual, Expected.Output output, Rows rows, long i) {
    double expected = output.value().applyAsDouble(i);
    int c = rows.channel(i / rows.length(), (int) (i % rows.length()));
    double tolerance = output.bounds().tolerance(i, c, expected) + output.bounds().doubt(i, c);
    return "%s[%d] is %.9g, expected %.9g +- %.1e".formatted(output.name(), i, actual.get(i), expected, tolerance);
  }
}
