package dev.norma.bindings;

import static dev.norma.bindings.NormaLibrary.DIRECTORY_PROPERTY;

import java.util.Objects;
import java.util.regex.Pattern;

/** Says in words of the user why the system's loader refused a file, and what to do. */
final class LoadFailure {
  /** glibc, when the kernel refuses to map a file for execution. */
  private static final Pattern NO_EXEC = Pattern.compile("failed to map segment|Operation not permitted");

  /** musl loading a library of glibc ("Error ..."), or glibc loading one of musl. */
  private static final Pattern OTHER_LIBC =
      Pattern.compile("Error relocating|Error loading shared library (ld-linux|libc\\.so\\.6)|libc\\.musl|ld-musl");

  private static final Pattern OLD_LIBC = Pattern.compile("version `(GLIBC_[0-9.]+)' not found");

  private LoadFailure() {}

  static NormaLibraryException explain(LibraryFile file, Throwable cause) {
    var reason = cause instanceof IllegalCallerException
        ? nativeAccessDenied(LoadFailure.class.getModule())
        : loaderError(file, Objects.requireNonNullElse(cause.getMessage(), cause.toString()));
    return file.failure(reason, cause);
  }

  static String nativeAccessDenied(Module module) {
    return "native access is denied to this module. Start Java with --enable-native-access="
        + (module.isNamed() ? module.getName() : "ALL-UNNAMED") + ".";
  }

  private static String loaderError(LibraryFile file, String message) {
    if (message.contains("already loaded in another classloader")) {
      return "another class loader has loaded it, and a JVM loads a library once. Put the norma-bindings jar where"
          + " one class loader serves all who use it.";
    }
    if (NO_EXEC.matcher(message).find()) {
      return "its directory does not allow execution (mounted noexec?). "
          + (file.packed() ? "Set -D" + DIRECTORY_PROPERTY + " to a directory" : "Move it to one") + " that does.";
    }
    if (OTHER_LIBC.matcher(message).find()) {
      return "it is not built for this JVM's C library (musl or glibc). Build it from source here.";
    }
    var oldLibc = OLD_LIBC.matcher(message);
    if (oldLibc.find()) {
      return "it needs " + oldLibc.group(1) + ", and this system's C library is older. Build it from source here.";
    }
    if (message.contains("libgomp.so")) {
      return "the OpenMP runtime libgomp is missing. Install it (Debian: apt-get install libgomp1).";
    }
    return "the system's loader says: " + message;
  }
}
