package dev.norma.benchmarks.jmh;

import dev.norma.benchmarks.Case;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Path;
import java.util.Random;

/** The arrays that a case starts from: x, dy, gamma, beta, running_mean, running_var. */
@FunctionalInterface
public interface Inputs {
  /** The alignment of every array in bytes: a cache line. */
  long ALIGNMENT = 64;

  /**
   * Loads an array. Nothing is kept: who needs it twice keeps it.
   *
   * @param name of the array
   * @param arena owns the memory
   * @return its elements, off the heap, aligned to {@link #ALIGNMENT}
   */
  MemorySegment load(String name, Arena arena);

  /**
   * Raw arrays in a folder, in the machine's byte order, named like the arrays.
   *
   * @param measured the case, which tells their sizes
   * @param folder has the files
   * @return the arrays; to load one throws an {@link UncheckedIOException} if the file is missing, and an {@link
   *     IllegalArgumentException} if it has another size
   */
  static Inputs in(Path folder, Case measured) {
    return (name, arena) -> {
      var file = folder.resolve(name);
      var array = arena.allocate(bytes(name, measured), ALIGNMENT);
      // A copy, for pages of a file are no huge pages.
      try (var channel = FileChannel.open(file); var mapping = Arena.ofConfined()) {
        if (channel.size() != array.byteSize()) {
          throw new IllegalArgumentException(
              "%s has %d bytes, the case needs %d".formatted(file, channel.size(), array.byteSize()));
        }
        return array.copyFrom(channel.map(MapMode.READ_ONLY, 0, array.byteSize(), mapping));
      } catch (IOException e) {
        throw new UncheckedIOException("cannot read %s (%s)".formatted(file, e.getClass().getSimpleName()), e);
      }
    };
  }

  /**
   * Random arrays, the same for every run.
   *
   * @param measured the case
   * @return normal x, dy, beta and running_mean, and gamma and running_var between 0.5 and 1.5
   */
  static Inputs random(Case measured) {
    return (name, arena) -> {
      var array = arena.allocate(bytes(name, measured), ALIGNMENT);
      var generator = new Random(name.hashCode());
      var positive = name.equals("gamma") || name.equals("running_var");
      for (var i = 0L; i < array.byteSize() / elementBytes(measured); i++) {
        set(array, i, elementBytes(measured), positive ? generator.nextDouble(0.5, 1.5) : generator.nextGaussian());
      }
      return array;
    };
  }

  private static void set(MemorySegment array, long index, long elementBytes, double value) {
    if (elementBytes == Double.BYTES) {
      array.setAtIndex(ValueLayout.JAVA_DOUBLE, index, value);
    } else {
      array.setAtIndex(ValueLayout.JAVA_FLOAT, index, (float) value);
    }
  }

  private static long bytes(String name, Case measured) {
    var isTensor = name.equals("x") || name.equals("dy");
    return isTensor ? measured.tensorBytes() : measured.shape().channels() * elementBytes(measured);
  }

  private static long elementBytes(Case measured) {
    return measured.tensorBytes() / measured.shape().size();
  }
}
