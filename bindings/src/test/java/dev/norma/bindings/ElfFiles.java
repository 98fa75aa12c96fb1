package dev.norma.bindings;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;

/** Shared libraries made unfit on purpose. */
final class ElfFiles {
  static final int X86_64 = 62;
  static final int AARCH64 = 183;

  private static final int MACHINE_OFFSET = 18;

  private ElfFiles() {}

  /** Makes a little-endian library claim another processor. */
  static void setMachine(Path library, int machine) throws IOException {
    try (var file = new RandomAccessFile(library.toFile(), "rw")) {
      file.seek(MACHINE_OFFSET);
      file.write(machine);
      file.write(machine >> Byte.SIZE);
    }
  }

  static void cutOff(Path library, long length) throws IOException {
    try (var file = new RandomAccessFile(library.toFile(), "rw")) {
      file.setLength(length);
    }
  }
}
