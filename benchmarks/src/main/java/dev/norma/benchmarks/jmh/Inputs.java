package dev.norma.benchmarks.jmh;

import dev.norma.DataType;
import dev.norma.Layout;
import dev.norma.Tensor;
import dev.norma.benchmarks.Case;
import dev.norma.benchmarks.Types;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Path;
import java.util.Random;

/** The arrays that a case starts from: x, dy, residual, gamma, beta, running_mean, running_var. */
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
   * @return normal x, dy, residual, beta and running_mean, and gamma and running_var between 0.5 and 1.5
   */
  static Inputs random(Case measured) {
    return (name, arena) -> {
      var array = arena.allocate(bytes(name, measured), ALIGNMENT);
      var values = Tensor.of(array, type(name, measured), Layout.CHANNELS_FIRST, 1, count(name, measured));
      var generator = new Random(name.hashCode());
      var positive = name.equals("gamma") || name.equals("running_var");
      for (var i = 0L; i < values.size(); i++) {
        values.set(i, positive ? generator.nextDouble(0.5, 1.5) : generator.nextGaussian());
      }
      return array;
    };
  }

  private static long bytes(String name, Case measured) {
    return count(name, measured) * type(name, measured).bytes();
  }

  private static long count(String name, Case measured) {
    return isTensor(name) ? measured.shape().size() : measured.shape().channels();
  }

  private static DataType type(String name, Case measured) {
    var ofTensors = Types.of(measured.type());
    return isTensor(name) ? ofTensors : ofTensors.parameterType();
  }

  private static boolean isTensor(String name) {
    return name.equals("x") || name.equals("dy") || name.equals("residual");
  }
}
