package dev.norma;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Reads the header of a safetensors file. The grammar is JSON's, cut down to what the format has:
 *
 * <pre>
 *   header   = { [ "__metadata__": { name: text, ... } ] [ name: tensor, ... ] }
 *   tensor   = { "dtype": name, "shape": [ n, ... ], "data_offsets": [ begin, end ] }
 * </pre>
 */
final class SafeTensorsHeader {
  private static final String METADATA = "__metadata__";
  private static final Set<String> FIELDS = Set.of("dtype", "shape", "data_offsets");

  /** A tensor as the header describes it; the size of begin to end is that of type and shape. */
  record Item(String name, SafeTensors.Type type, List<Long> shape, long begin, long end) {}

  private final Path file;
  private final JsonScanner json;
  private final List<Item> tensors = new ArrayList<>();
  private final Map<String, String> metadata = new HashMap<>();

  private SafeTensorsHeader(Path file, String text) {
    this.file = file;
    this.json = new JsonScanner(file, text);
  }

  static SafeTensorsHeader parse(Path file, String text) {
    var header = new SafeTensorsHeader(file, text);
    header.json.readObject(header::readMember);
    header.json.requireEnd();
    return header;
  }

  List<Item> tensors() {
    return tensors;
  }

  Map<String, String> metadata() {
    return metadata;
  }

  private void readMember(String name) {
    if (name.equals(METADATA)) {
      json.readObject(key -> metadata.put(key, json.readString()));
    } else {
      readTensor(name);
    }
  }

  private void readTensor(String name) {
    var seen = new HashSet<String>();
    var dtype = new StringBuilder();
    var shape = new ArrayList<Long>();
    var offsets = new ArrayList<Long>();
    json.readObject(
        field -> {
          seen.add(field);
          switch (field) {
            case "dtype" -> dtype.append(json.readString());
            case "shape" -> json.readNumbers(shape);
            case "data_offsets" -> json.readNumbers(offsets);
            default -> throw malformed(name, "has a field '%s'; expected dtype, shape, data_offsets", field);
          }
        });
    if (!seen.equals(FIELDS)) {
      throw malformed(name, "has the fields %s; expected dtype, shape, data_offsets", seen);
    }
    if (offsets.size() != 2 || offsets.get(0) > offsets.get(1)) {
      throw malformed(name, "has data_offsets %s; expected [begin, end]", offsets);
    }
    var type = type(name, dtype.toString());
    requireSize(name, type, shape, offsets.get(1) - offsets.get(0));
    tensors.add(new Item(name, type, shape, offsets.get(0), offsets.get(1)));
  }

  private SafeTensors.Type type(String name, String dtype) {
    for (var type : SafeTensors.Type.values()) {
      if (type.name().equals(dtype)) {
        return type;
      }
    }
    throw malformed(name, "has dtype '%s'; expected one of %s", dtype, List.of(SafeTensors.Type.values()));
  }

  private void requireSize(String name, SafeTensors.Type type, List<Long> shape, long bytes) {
    try {
      var expected = SafeTensors.Entry.bytes(type, shape);
      if (expected != bytes) {
        throw malformed(name, "of %s %s takes %d bytes, but data_offsets give it %d", type, shape, expected, bytes);
      }
    } catch (ArithmeticException overflow) {
      throw malformed(name, "of %s %s is larger than any file", type, shape);
    }
  }

  private MalformedFileException malformed(String name, String problem, Object... values) {
    return new MalformedFileException(file, "tensor '" + name + "' " + problem.formatted(values));
  }
}
