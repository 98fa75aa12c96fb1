package dev.norma;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Named tensors in a file of the safetensors format, which PyTorch, Keras and others read and write: the length of the
 * header as a little-endian 64-bit number, the header in JSON, the data.
 *
 * <p>{@link BatchNorm#save} and {@link BatchNorm#load} use it for one layer; a program that keeps a whole network in
 * one file can use it directly.
 *
 * <pre>{@code
 * new SafeTensors(Map.of("fc.weight", SafeTensors.Entry.of(SafeTensors.Type.F32, weights, 10, 64)), Map.of())
 *     .write(Path.of("network.safetensors"));
 * }</pre>
 *
 * @param tensors by name
 * @param metadata free text by name
 */
public record SafeTensors(Map<String, Entry> tensors, Map<String, String> metadata) {
  /** The types of elements that the format knows. */
  public enum Type {
    /** True or false in a byte. */
    BOOL(1),
    /** Unsigned, 8 bits. */
    U8(1),
    /** Signed, 8 bits. */
    I8(1),
    /** A float of 8 bits with 5 for the exponent. */
    F8_E5M2(1),
    /** A float of 8 bits with 4 for the exponent. */
    F8_E4M3(1),
    /** Signed, 16 bits. */
    I16(2),
    /** Unsigned, 16 bits. */
    U16(2),
    /** IEEE 754 half precision. */
    F16(2),
    /** The upper half of a float. */
    BF16(2),
    /** Signed, 32 bits. */
    I32(4),
    /** Unsigned, 32 bits. */
    U32(4),
    /** IEEE 754 single precision. */
    F32(4),
    /** IEEE 754 double precision. */
    F64(8),
    /** Signed, 64 bits. */
    I64(8),
    /** Unsigned, 64 bits. */
    U64(8);

    private final int bytes;

    Type(int bytes) {
      this.bytes = bytes;
    }

    /**
     * The name that the format has for a data type.
     *
     * @param type of a tensor's elements
     * @return the type of an entry with such elements
     */
    public static Type of(DataType type) {
      return switch (type) {
        case FLOAT32 -> F32;
        case FLOAT64 -> F64;
        case BFLOAT16 -> BF16;
        case FLOAT16 -> F16;
      };
    }

    /**
     * The size of an element.
     *
     * @return the size in bytes
     */
    public int bytes() {
      return bytes;
    }
  }

  /**
   * One tensor.
   *
   * @param type of the elements
   * @param shape the extents, the last one the fastest; none for a single number
   * @param data the elements, little-endian, of exactly the size that type and shape give
   */
  public record Entry(Type type, List<Long> shape, MemorySegment data) {
    /**
     * Checks the size.
     *
     * @throws IllegalArgumentException if the data is not of the size that type and shape give
     */
    public Entry {
      shape = List.copyOf(shape);
      var bytes = bytes(type, shape);
      if (data.byteSize() != bytes) {
        throw new IllegalArgumentException(
            "a tensor of %s %s takes %d bytes, not %d".formatted(type, shape, bytes, data.byteSize()));
      }
    }

    /**
     * A tensor.
     *
     * @param type of the elements
     * @param data the elements
     * @param shape the extents; none for a single number
     * @return the entry
     */
    public static Entry of(Type type, MemorySegment data, long... shape) {
      return new Entry(type, Arrays.stream(shape).boxed().toList(), data);
    }

    /** The size that a type and a shape give. Throws an ArithmeticException if it exceeds a long. */
    static long bytes(Type type, List<Long> shape) {
      var bytes = (long) type.bytes();
      for (var extent : shape) {
        bytes = Math.multiplyExact(bytes, extent);
      }
      return bytes;
    }
  }

  /** Copies the maps; the data of the tensors is not copied. */
  public SafeTensors {
    tensors = Map.copyOf(tensors);
    metadata = Map.copyOf(metadata);
  }

  /**
   * Writes a file. It is replaced in one step: at no time can it be seen half written, and once this method has
   * returned it survives a crash of the machine.
   *
   * @param file an existing file is replaced
   * @throws java.io.UncheckedIOException if it cannot be written; an existing file is as it was
   */
  public void write(Path file) {
    SafeTensorsWriter.write(file, this);
  }

  /**
   * Reads a file. The data is mapped, not copied, so that only what is used is read.
   *
   * @param file to read; must not be changed in place while the arena lives
   * @param arena decides how long the data can be used
   * @return the tensors and metadata
   * @throws MalformedFileException if the file does not follow the format
   * @throws java.io.UncheckedIOException if it cannot be read
   */
  public static SafeTensors read(Path file, Arena arena) {
    return SafeTensorsReader.read(file, arena);
  }

  /**
   * A tensor by name.
   *
   * @param name its name
   * @return the tensor
   * @throws IllegalArgumentException if there is none of that name
   */
  public Entry tensor(String name) {
    var entry = tensors.get(Objects.requireNonNull(name, "name"));
    if (entry == null) {
      throw new IllegalArgumentException("there is no tensor '%s'".formatted(name));
    }
    return entry;
  }
}
