package dev.norma.cli.data;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;

/**
 * Reads a file, plain or compressed by gzip, and knows at which byte it stands, so that whoever finds a mistake can say
 * where. Offsets are those of the uncompressed data. Gzip is told by its first two bytes, not by the file's name.
 */
final class ByteReader implements AutoCloseable {
  private static final int END = -1;

  private final String name;
  private final InputStream input;
  private long offset;

  private ByteReader(String name, InputStream input) throws IOException {
    this.name = name;
    this.input = new BufferedInputStream(uncompressed(input));
  }

  static ByteReader open(Path file) throws IOException {
    return of(file.toString(), Files.newInputStream(file));
  }

  /** Takes over {@code input}: it is closed with the reader, and when the reader cannot be made. */
  static ByteReader of(String name, InputStream input) throws IOException {
    try {
      return new ByteReader(name, input);
    } catch (ZipException | EOFException e) {
      input.close();
      throw new MalformedDataException(name, 0, "a gzip header", e.getMessage());
    } catch (IOException | RuntimeException e) {
      input.close();
      throw e;
    }
  }

  private static InputStream uncompressed(InputStream raw) throws IOException {
    var buffered = new BufferedInputStream(raw);
    buffered.mark(2);
    boolean gzip = buffered.read() == 0x1f && buffered.read() == 0x8b;
    buffered.reset();
    return gzip ? new GZIPInputStream(buffered) : buffered;
  }

  long offset() {
    return offset;
  }

  /** The next byte, 0 to 255, or -1 at the end of the file. */
  int next() throws IOException {
    try {
      int value = input.read();
      if (value != END) {
        offset++;
      }
      return value;
    } catch (ZipException | EOFException e) {
      throw corrupt(e);
    }
  }

  /** The next four bytes as a big-endian integer. */
  int nextInt(String expected) throws IOException {
    long start = offset;
    int value = 0;
    for (int i = 0; i < Integer.BYTES; i++) {
      int next = next();
      if (next == END) {
        throw malformed(start, expected, "the end of the file");
      }
      value = value << Byte.SIZE | next;
    }
    return value;
  }

  /** Exactly {@code length} bytes. */
  byte[] nextBytes(int length, String expected) throws IOException {
    long start = offset;
    try {
      byte[] bytes = input.readNBytes(length);
      offset += bytes.length;
      if (bytes.length < length) {
        throw malformed(offset, expected, "the end of the file after " + (offset - start) + " of " + length + " bytes");
      }
      return bytes;
    } catch (ZipException | EOFException e) {
      throw corrupt(e);
    }
  }

  void expectEnd() throws IOException {
    long start = offset;
    if (next() != END) {
      throw malformed(start, "the end of the file", "more bytes");
    }
  }

  MalformedDataException malformed(long at, String expected, String found) {
    return new MalformedDataException(name, at, expected, found);
  }

  private MalformedDataException corrupt(IOException cause) {
    var exception = malformed(offset, "a sound gzip stream", cause.getMessage());
    exception.initCause(cause);
    return exception;
  }

  @Override
  public void close() throws IOException {
    input.close();
  }
}
