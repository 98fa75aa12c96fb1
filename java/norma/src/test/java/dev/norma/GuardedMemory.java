package dev.norma;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/** Memory between two pages that nobody may touch: an access beyond either end kills the process. */
@SuppressWarnings("restricted")
final class GuardedMemory implements AutoCloseable {
  private static final long PAGE = 65536;
  private static final int NO_ACCESS = 0;
  private static final int READ_WRITE = 3;
  private static final int PRIVATE_ANONYMOUS = 0x22;

  private static final MethodHandle MMAP =
      handle("mmap", FunctionDescriptor.of(ADDRESS, ADDRESS, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG));
  private static final MethodHandle MPROTECT =
      handle("mprotect", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT));
  private static final MethodHandle MUNMAP = handle("munmap", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG));

  private final MemorySegment all;
  private final MemorySegment inner;

  GuardedMemory(long bytes) {
    var usable = (bytes + PAGE - 1) / PAGE * PAGE;
    var mapped =
        (MemorySegment) call(MMAP, MemorySegment.NULL, usable + 2 * PAGE, NO_ACCESS, PRIVATE_ANONYMOUS, -1, 0L);
    all = mapped.reinterpret(usable + 2 * PAGE);
    inner = all.asSlice(PAGE, usable);
    if ((int) call(MPROTECT, inner, usable, READ_WRITE) != 0) {
      throw new AssertionError("mprotect failed");
    }
  }

  /** The last bytes before the upper guard. */
  MemorySegment end(long bytes) {
    return inner.asSlice(inner.byteSize() - bytes);
  }

  /** The first bytes after the lower guard. */
  MemorySegment start(long bytes) {
    return inner.asSlice(0, bytes);
  }

  @Override
  public void close() {
    call(MUNMAP, all, all.byteSize());
  }

  private static MethodHandle handle(String name, FunctionDescriptor descriptor) {
    var linker = Linker.nativeLinker();
    return linker.downcallHandle(linker.defaultLookup().findOrThrow(name), descriptor);
  }

  private static Object call(MethodHandle function, Object... arguments) {
    try {
      return function.invokeWithArguments(arguments);
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }
}
