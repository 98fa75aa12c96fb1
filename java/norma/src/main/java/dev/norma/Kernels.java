package dev.norma;

import java.lang.foreign.MemorySegment;

/**
 * The operations on memory: what {@code norma.h} declares, one method for one function, by families that are interfaces
 * of their own. {@link BatchNorm}, {@link LayerNorm}, {@link RmsNorm}, {@link GroupNorm} and {@link InstanceNorm} are
 * the comfortable way to use them; this interface is for those who keep the state themselves, for example to normalize
 * a batch that is spread over several parts.
 *
 * <p>Tensors, parameters and statistics are of the sizes that the descriptor of a call gives. Every segment must be off
 * the heap, alive, accessible to the calling thread, aligned to its element and at least as large as said; outputs must
 * not be read-only and must not overlap inputs or each other, except where "in place" (the same address) is allowed. A
 * segment that may be missing is {@link MemorySegment#NULL} then.
 *
 * <p>{@code workspace} is scratch of at least {@code workspaceSize} bytes, aligned to 8, for one call at a time; with
 * {@link MemorySegment#NULL} the operation allocates what it needs, off the heap.
 *
 * <p>Every check is made before anything is written:
 *
 * <ul>
 *   <li>{@link IllegalArgumentException}: a heap segment, a missing, too small, misaligned, read-only or overlapping
 *       one, one value per channel in training, a value out of range;
 *   <li>{@link IllegalStateException}: the arena of a segment is closed;
 *   <li>{@link WrongThreadException}: a segment belongs to another thread;
 *   <li>{@link NullPointerException}: an argument is null;
 *   <li>{@link NormaException}: what C reports, such as a workspace that is too small.
 * </ul>
 *
 * <p>All methods may be called from any number of threads, as long as no call writes what another reads or writes. A
 * shared arena cannot be closed while a call uses its memory.
 */
public interface Kernels extends BatchNormKernels, LayerNormKernels, GroupNormKernels {
  /**
   * The kernels of the C library.
   *
   * @return the one instance
   * @throws dev.norma.bindings.NormaLibraryException if the library cannot be loaded; the message says what was tried
   *     and there is no fallback
   */
  static Kernels nativeKernels() {
    return ValidatedKernels.nativeKernels();
  }

  /**
   * The reference: plain loops in double for every data type, rounded once. Slow, single-threaded, needs no native
   * code.
   *
   * @return the one instance
   */
  static Kernels reference() {
    return ValidatedKernels.REFERENCE;
  }

  /**
   * The native kernels with every result compared with the reference. Throws a {@link MismatchException} at the first
   * value that differs by more than rounding can explain.
   *
   * @return the one instance
   * @throws dev.norma.bindings.NormaLibraryException if the library cannot be loaded; the message says what was tried
   */
  static Kernels checked() {
    return ValidatedKernels.checked();
  }

  /**
   * One step of gradient descent for an array of parameters, computed in double and rounded once per array.
   *
   * @param rule the rule, with its formulas
   * @param type the data type, which decides the type of the three arrays
   * @param length the number of parameters, at least 1
   * @param gradient in, parameters
   * @param parameter in and out, parameters
   * @param velocity in and out, parameters, zeros before the first step; NULL if the rule has no momentum
   */
  void gradientDescentStep(
      GradientDescent rule,
      DataType type,
      long length,
      MemorySegment gradient,
      MemorySegment parameter,
      MemorySegment velocity);
}
