package dev.norma;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;

/** Reads safetensors files, strictly: what the format forbids is refused with its place. */
final class SafeTensorsReader {
  /** The limit that the format's own library sets. */
  private static final long MOST_HEADER_BYTES = 100_000_000;

  private static final ValueLayout.OfLong LENGTH =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final Path path;
  private final MemorySegment file;

  private SafeTensorsReader(Path path, MemorySegment file) {
    this.path = path;
    this.file = file;
  }

  static SafeTensors read(Path path, Arena arena) {
    try (var channel = FileChannel.open(path, StandardOpenOption.READ)) {
      var file = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
      return new SafeTensorsReader(path, file).read();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + path + ": " + e, e);
    }
  }

  private SafeTensors read() {
    var size = file.byteSize();
    if (size < Long.BYTES) {
      throw malformed("it has %d bytes, but must begin with 8 bytes that give the length of the header", size);
    }
    var length = file.get(LENGTH, 0);
    if (length < 0 || length > MOST_HEADER_BYTES) {
      throw malformed(
          "bytes 0 to 7 give the header %s bytes, but at most %d are allowed",
          Long.toUnsignedString(length), MOST_HEADER_BYTES);
    }
    if (length > size - Long.BYTES) {
      throw malformed("the header should have %d bytes, but the file ends after %d of them", length, size - Long.BYTES);
    }
    var header = SafeTensorsHeader.parse(path, text(file.asSlice(Long.BYTES, length)));
    var data = file.asSlice(Long.BYTES + length);
    requirePartition(header.tensors(), data.byteSize());
    var tensors = new HashMap<String, SafeTensors.Entry>();
    for (var tensor : header.tensors()) {
      var slice = data.asSlice(tensor.begin(), tensor.end() - tensor.begin());
      tensors.put(tensor.name(), new SafeTensors.Entry(tensor.type(), tensor.shape(), slice));
    }
    return new SafeTensors(tensors, header.metadata());
  }

  private String text(MemorySegment header) {
    try {
      var bytes = ByteBuffer.wrap(header.toArray(ValueLayout.JAVA_BYTE));
      return StandardCharsets.UTF_8.newDecoder().decode(bytes).toString();
    } catch (CharacterCodingException e) {
      throw malformed("the header is not UTF-8");
    }
  }

  /** The tensors must cover the data without holes and without overlap. */
  private void requirePartition(List<SafeTensorsHeader.Item> tensors, long bytes) {
    var end = 0L;
    for (var tensor : tensors.stream().sorted(Comparator.comparingLong(SafeTensorsHeader.Item::begin)).toList()) {
      if (tensor.end() > bytes) {
        throw malformed(
            "tensor '%s' ends at byte %d of the data, but the file has only %d", tensor.name(), tensor.end(), bytes);
      }
      if (tensor.begin() != end) {
        throw malformed(
            "tensor '%s' begins at byte %d of the data, but the one before it ends at %d",
            tensor.name(), tensor.begin(), end);
      }
      end = tensor.end();
    }
    if (end != bytes) {
      throw malformed("the tensors take %d bytes of data, but the file has %d", end, bytes);
    }
  }

  private MalformedFileException malformed(String problem, Object... values) {
    return new MalformedFileException(path, problem.formatted(values));
  }
}
