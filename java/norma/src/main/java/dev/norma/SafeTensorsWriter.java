package dev.norma;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import java.util.stream.Collectors;

/** Writes safetensors files. */
final class SafeTensorsWriter {
  /** The header is padded to a multiple of this, and large elements come first, so that all data is aligned. */
  private static final int ALIGNMENT = 8;

  private static final Comparator<Map.Entry<String, SafeTensors.Entry>> ORDER =
      Comparator.comparingInt((Map.Entry<String, SafeTensors.Entry> tensor) -> -tensor.getValue().type().bytes())
          .thenComparing(Map.Entry::getKey);

  private SafeTensorsWriter() {}

  static void write(Path file, SafeTensors content) {
    var tensors = content.tensors().entrySet().stream().sorted(ORDER).toList();
    var header = header(tensors, content.metadata()).getBytes(StandardCharsets.UTF_8);
    var target = file.toAbsolutePath();
    var scratch = target.resolveSibling("." + target.getFileName() + "." + UUID.randomUUID() + ".tmp");
    try {
      try (var channel =
          FileChannel.open(scratch, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
        writeAll(channel, length(header.length));
        writeAll(channel, ByteBuffer.wrap(header));
        for (var tensor : tensors) {
          writeAll(channel, tensor.getValue().data());
        }
        channel.force(true);
      }
      Files.move(scratch, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      syncDirectory(target.getParent());
    } catch (IOException e) {
      deleteAfter(e, scratch);
      throw new UncheckedIOException("cannot write " + file + ": " + e, e);
    }
  }

  private static String header(
      List<Map.Entry<String, SafeTensors.Entry>> tensors, Map<String, String> metadata) {
    var json = new StringBuilder("{");
    if (!metadata.isEmpty()) {
      var texts = new TreeMap<>(metadata);
      json.append("\"__metadata__\":{")
          .append(
              texts.entrySet().stream()
                  .map(text -> quote(text.getKey()) + ":" + quote(text.getValue()))
                  .collect(Collectors.joining(",")))
          .append("},");
    }
    var offset = 0L;
    for (var tensor : tensors) {
      var end = offset + tensor.getValue().data().byteSize();
      json.append(quote(tensor.getKey()))
          .append(":{\"dtype\":\"")
          .append(tensor.getValue().type())
          .append("\",\"shape\":")
          .append(tensor.getValue().shape().toString().replace(" ", ""))
          .append(",\"data_offsets\":[%d,%d]},".formatted(offset, end));
      offset = end;
    }
    if (json.charAt(json.length() - 1) == ',') {
      json.setLength(json.length() - 1);
    }
    json.append('}');
    var bytes = json.toString().getBytes(StandardCharsets.UTF_8).length;
    return json.append(" ".repeat(Math.floorMod(-bytes, ALIGNMENT))).toString();
  }

  private static String quote(String text) {
    var json = new StringBuilder("\"");
    for (var c : text.toCharArray()) {
      switch (c) {
        case '"', '\\' -> json.append('\\').append(c);
        default -> json.append(c < ' ' || Character.isSurrogate(c) ? "\\u%04x".formatted((int) c) : c);
      }
    }
    return json.append('"').toString();
  }

  private static ByteBuffer length(long value) {
    return ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN).putLong(value).flip();
  }

  private static void writeAll(FileChannel channel, ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }

  /** Byte buffers end at 2 GiB, segments do not. */
  private static void writeAll(FileChannel channel, MemorySegment data) throws IOException {
    var most = 1L << 30;
    for (var at = 0L; at < data.byteSize(); at += most) {
      var piece = data.asSlice(at, Math.min(most, data.byteSize() - at));
      var bytes = ByteBuffer.wrap(piece.toArray(ValueLayout.JAVA_BYTE));
      writeAll(channel, bytes);
    }
  }

  /** The new name of a file survives a crash only when its directory is on the disk. */
  private static void syncDirectory(Path directory) throws IOException {
    try (var channel = FileChannel.open(directory, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }

  private static void deleteAfter(IOException failure, Path scratch) {
    try {
      Files.deleteIfExists(scratch);
    } catch (IOException e) {
      failure.addSuppressed(e);
    }
  }
}
