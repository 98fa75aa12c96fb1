package dev.norma.benchmarks.run;

import dev.norma.benchmarks.Case;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.function.LongSupplier;

/** Where inputs and outputs pass between the processes: in memory if there is room. Private, and gone when closed. */
final class DataFolder implements AutoCloseable {
  /** x, dy and one output. */
  private static final int TENSORS = 3;

  /** The residual and its gradient. */
  private static final int TENSORS_OF_RESIDUAL = 2;

  private static final String PREFIX = "norma-bench-";
  private static final Path IN_MEMORY = Path.of("/dev/shm");

  /** Memory is needed for more than the files. */
  private static final int SHARE_OF_MEMORY = 4;

  private final Path folder;

  /** {@code needed} is what the case with the most files needs. */
  DataFolder(long needed, LongSupplier availableMemory) throws IOException {
    boolean inMemory = Files.isWritable(IN_MEMORY)
        && Files.getFileStore(IN_MEMORY).getUsableSpace() > needed
        && availableMemory.getAsLong() / SHARE_OF_MEMORY > needed;
    folder = inMemory ? Files.createTempDirectory(IN_MEMORY, PREFIX) : Files.createTempDirectory(PREFIX);
    Files.createDirectory(inputs());
    Files.createDirectory(outputs());
  }

  /** What the files of a case need; those of C elements are small beside it. */
  static long bytes(Case each) {
    return (TENSORS + (each.operation().hasResidual() ? TENSORS_OF_RESIDUAL : 0)) * each.tensorBytes();
  }

  Path inputs() {
    return folder.resolve("inputs");
  }

  Path outputs() {
    return folder.resolve("outputs");
  }

  /** Bytes that still fit. */
  long room() throws IOException {
    return Files.getFileStore(folder).getUsableSpace();
  }

  void clear(Path part) throws IOException {
    try (var files = Files.list(part)) {
      for (var file : files.toList()) {
        Files.delete(file);
      }
    }
  }

  @Override
  public void close() throws IOException {
    try (var files = Files.walk(folder)) {
      for (var file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(file);
      }
    }
  }
}
