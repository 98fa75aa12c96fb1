package dev.norma;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.norma.bindings.memory.UnscopedMemory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.IdentityHashMap;
import java.util.Map;

/**
 * The memory of a layer, off the heap. Where it has no gamma and beta, all that belongs to them is NULL.
 *
 * <p>The layer's {@link LayerGuard} keeps it from being freed while a call uses it, so the segments have no scope, which
 * spares every native call some atomic operations. What is lent to others has: {@link #lend}.
 */
final class BatchNormState {
  private static final long CACHE_LINE = 64;

  final MemorySegment gamma;
  final MemorySegment beta;
  final MemorySegment gammaGradient;
  final MemorySegment betaGradient;
  final MemorySegment gammaVelocity;
  final MemorySegment betaVelocity;
  final MemorySegment runningMean;
  final MemorySegment runningVar;
  final MemorySegment batchMean;
  final MemorySegment batchVariance;
  final MemorySegment batches;
  final MemorySegment refused;

  private final Arena arena = Arena.ofShared();
  private final Map<MemorySegment, MemorySegment> lent = new IdentityHashMap<>();

  BatchNormState(BatchNormSettings settings) {
    var type = settings.parameterType();
    var parameters = bytes(settings.channels(), type.bytes());
    var affine = settings.affine() ? parameters : 0;
    gamma = allocate(affine);
    beta = allocate(affine);
    gammaGradient = allocate(affine);
    betaGradient = allocate(affine);
    gammaVelocity = allocate(affine);
    betaVelocity = allocate(affine);
    runningMean = allocate(parameters);
    runningVar = allocate(parameters);
    batchMean = allocate(bytes(settings.channels(), Double.BYTES));
    batchVariance = allocate(bytes(settings.channels(), Double.BYTES));
    batches = allocate(Long.BYTES);
    refused = allocate(Long.BYTES);
    for (var c = 0L; c < settings.channels(); c++) {
      type.set(runningVar, c, 1);
      if (settings.affine()) {
        type.set(gamma, c, 1);
      }
    }
  }

  private static long bytes(long channels, long elementBytes) {
    try {
      return Math.multiplyExact(channels, elementBytes);
    } catch (ArithmeticException overflow) {
      throw new IllegalArgumentException("too many channels: " + channels, overflow);
    }
  }

  private MemorySegment allocate(long bytes) {
    if (bytes == 0) {
      return MemorySegment.NULL;
    }
    var scoped = arena.allocate(bytes, CACHE_LINE);
    var memory = UnscopedMemory.of(scoped);
    lent.put(memory, scoped);
    return memory;
  }

  /** The same memory for who may keep it longer than the layer is open: using it then is an exception. */
  MemorySegment lend(MemorySegment memory) {
    return lent.getOrDefault(memory, memory);
  }

  long batches() {
    return batches.get(JAVA_LONG, 0);
  }

  long refused() {
    return refused.get(JAVA_LONG, 0);
  }

  void close() {
    arena.close();
  }
}
