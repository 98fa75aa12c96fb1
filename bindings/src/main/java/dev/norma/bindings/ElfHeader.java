package dev.norma.bindings;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * The beginning of a shared library of Linux.
 *
 * @param arch the processor it is built for, spelt as in {@link Platform}
 * @param length the bytes that the file must have at least: the table of sections stands at its end
 */
record ElfHeader(String arch, long length) {
  private static final int SIZE = 64;
  private static final int MAGIC = 0x7f454c46; // 0x7f 'E' 'L' 'F'
  private static final int CLASS = 4; // 1: 32 bits, 2: 64 bits
  private static final int DATA = 5; // 1: little endian, 2: big endian
  private static final int MACHINE = 18;
  private static final int SECTIONS_OFFSET = 40;
  private static final int SECTION_SIZE = 58;
  private static final int SECTION_COUNT = 60;

  /** Empty if the file does not begin with an ELF header. */
  static Optional<ElfHeader> read(Path file) throws IOException {
    byte[] bytes;
    try (var in = Files.newInputStream(file)) {
      bytes = in.readNBytes(SIZE);
    }
    var header = ByteBuffer.wrap(bytes);
    if (bytes.length < SIZE || header.getInt(0) != MAGIC) {
      return Optional.empty();
    }
    header.order(header.get(DATA) == 1 ? ByteOrder.LITTLE_ENDIAN : ByteOrder.BIG_ENDIAN);
    return Optional.of(new ElfHeader(name(unsigned(header, MACHINE)), header.get(CLASS) == 2 ? length(header) : SIZE));
  }

  private static long length(ByteBuffer header) {
    return header.getLong(SECTIONS_OFFSET) + (long) unsigned(header, SECTION_SIZE) * unsigned(header, SECTION_COUNT);
  }

  private static int unsigned(ByteBuffer header, int offset) {
    return Short.toUnsignedInt(header.getShort(offset));
  }

  private static String name(int machine) {
    return switch (machine) {
      case 3 -> "x86";
      case 22 -> "s390x";
      case 40 -> "arm";
      case 62 -> "x86_64";
      case 183 -> "aarch64";
      case 243 -> "riscv64";
      default -> "processor number " + machine;
    };
  }
}
