package dev.norma;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Scanner;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.Arguments;

/**
 * A file of golden vectors; the scripts that make them describe the format and how far their results are from the
 * formulas: at most 60 units of 2^-53 of the magnitudes below, 1e5 units where the mean is 1e4. {@link #PYTORCH} is
 * above both.
 */
record Golden(String name, Map<String, String> keys, Map<String, double[]> tensors) {
  private static final Path FOLDER = Path.of("../../native/tests/golden");

  private static final double PYTORCH = 2e5 * 0x1p-53;

  /** The bound of {@link Tolerances} for a variance, the largest of all, in units of the data type's roundoff. */
  private static final double NORMA = 160;

  /** All files whose names begin so, with each implementation of the kernels. */
  static Stream<Arguments> withKernels(String prefix) {
    return all(prefix).stream()
        .flatMap(
            golden ->
                Stream.of(Kernels.reference(), Kernels.nativeKernels(), Kernels.checked())
                    .map(kernels -> arguments(golden, kernels)));
  }

  static List<Golden> all(String prefix) {
    try (var files = Files.list(FOLDER)) {
      var found =
          files
              .filter(file -> file.getFileName().toString().startsWith(prefix))
              .filter(file -> file.toString().endsWith(".txt"))
              .sorted()
              .map(Golden::read)
              .toList();
      if (found.isEmpty()) {
        throw new AssertionError("no golden vectors " + prefix + " in " + FOLDER.toAbsolutePath());
      }
      return found;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Golden read(Path file) {
    var golden = new Golden(file.getFileName().toString(), new HashMap<>(), new HashMap<>());
    try (var words = new Scanner(file)) {
      while (words.hasNext()) {
        var key = words.next();
        if (key.equals("tensor")) {
          golden.tensors.put(words.next(), numbers(words));
        } else {
          golden.keys.put(key, words.next());
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return golden;
  }

  private static double[] numbers(Scanner words) {
    var isFloat = words.next().equals("f32");
    var values = new double[words.nextInt()];
    for (var i = 0; i < values.length; i++) {
      var bits = words.next();
      values[i] =
          isFloat
              ? Float.intBitsToFloat(Integer.parseUnsignedInt(bits, 16))
              : Double.longBitsToDouble(Long.parseUnsignedLong(bits, 16));
    }
    return values;
  }

  long integer(String key) {
    return Long.parseLong(keys.get(key));
  }

  double number(String key) {
    return Double.parseDouble(keys.get(key));
  }

  DataType dataType() {
    return keys.get("data_type").equals("f32") ? DataType.FLOAT32 : DataType.FLOAT64;
  }

  Layout layout() {
    return keys.get("layout").equals("ncs") ? Layout.CHANNELS_FIRST : Layout.CHANNELS_LAST;
  }

  boolean has(String tensor) {
    return tensors.containsKey(tensor);
  }

  double[] tensor(String tensor) {
    return tensors.get(tensor);
  }

  /** Inputs are about unit size; a sum has count terms. Values above 5 appear only as such, in mean and variance. */
  void requireTensor(String tensor, double[] found, long count) {
    var expected = tensor(tensor);
    assertThat(found).as(tensor).hasSameSizeAs(expected);
    for (var i = 0; i < found.length; i++) {
      var units = PYTORCH + NORMA * dataType().epsilon() / 2;
      assertThat(Math.abs(found[i] - expected[i]))
          .as("%s[%d]", tensor, i)
          .isLessThanOrEqualTo(units * (5 * count + Math.abs(expected[i])));
    }
  }

  @Override
  public String toString() {
    return name;
  }
}
