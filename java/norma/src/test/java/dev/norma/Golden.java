package dev.norma;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Scanner;

/** A file of golden vectors; the script that makes them describes the format. */
record Golden(String name, Map<String, String> keys, Map<String, double[]> tensors) {
  private static final Path FOLDER = Path.of("../../native/tests/golden");

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

  @Override
  public String toString() {
    return name;
  }
}
