package dev.norma.bindings;

import static dev.norma.bindings.NormaLibrary.DIRECTORY_PROPERTY;
import static dev.norma.bindings.NormaLibrary.PATH_PROPERTY;
import static java.nio.file.attribute.PosixFilePermission.GROUP_WRITE;
import static java.nio.file.attribute.PosixFilePermission.OTHERS_WRITE;

import java.io.IOException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;

/** The library that the jar holds, and its extraction to a file that the system's loader can map. */
final class PackedLibrary {
  /** 64 bits of SHA-256 in the file name keep versions apart; the content itself is compared before it is used. */
  private static final int HASH_BYTES = 8;

  private static final boolean POSIX = FileSystems.getDefault().supportedFileAttributeViews().contains("posix");

  private PackedLibrary() {}

  /**
   * Extracts the library for {@code platform} to {@code directory}, unless it is there already. Any number of JVMs may
   * do so at once: the file appears under its name with one atomic move, and never changes afterwards.
   */
  static Path extract(Platform platform, Path directory) {
    var content = read(platform);
    var file = directory.resolve(System.mapLibraryName("norma-" + hash(content)));
    try {
      createPrivate(directory);
      if (!holds(file, content)) {
        write(directory, file, content);
      }
      return file;
    } catch (IOException e) {
      // The message of a file system exception is often nothing but the path: its class says what happened.
      throw new NormaLibraryException(
          "Cannot extract the Norma library to " + directory + ": " + e.getClass().getSimpleName() + ": "
              + e.getMessage() + ". Set -D" + DIRECTORY_PROPERTY + " to a directory that this user can write to.",
          e);
    }
  }

  private static byte[] read(Platform platform) {
    try (var resource = PackedLibrary.class.getResourceAsStream(platform.resource())) {
      if (resource == null) {
        throw new NormaLibraryException(
            "Cannot load the Norma library: there is none for " + platform + " in the jar (" + platform.resource()
                + "). Build it from source with CMake and set -D" + PATH_PROPERTY + " to the file.");
      }
      return resource.readAllBytes();
    } catch (IOException e) {
      throw new NormaLibraryException(
          "Cannot load the Norma library: " + platform.resource() + " in the jar cannot be read: " + e
              + ". The jar is damaged; replace it.",
          e);
    }
  }

  private static void createPrivate(Path directory) throws IOException {
    Files.createDirectories(directory, ownerOnly("rwx------"));
    if (POSIX) {
      var permissions = Files.getPosixFilePermissions(directory);
      if (permissions.contains(GROUP_WRITE) || permissions.contains(OTHERS_WRITE)) {
        throw new NormaLibraryException(
            "Cannot extract the Norma library to " + directory + ": other users can write there and could replace it."
                + " Set -D" + DIRECTORY_PROPERTY + " to a directory that only this user can write to.");
      }
    }
  }

  private static boolean holds(Path file, byte[] content) throws IOException {
    return Files.isRegularFile(file) && Arrays.equals(Files.readAllBytes(file), content);
  }

  private static void write(Path directory, Path file, byte[] content) throws IOException {
    var part = Files.createTempFile(directory, "norma-", ".part", ownerOnly("rw-------"));
    try {
      Files.write(part, content);
      Files.move(part, file, StandardCopyOption.ATOMIC_MOVE);
    } finally {
      Files.deleteIfExists(part);
    }
  }

  private static FileAttribute<?>[] ownerOnly(String permissions) {
    return POSIX
        ? new FileAttribute<?>[] {PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString(permissions))}
        : new FileAttribute<?>[0];
  }

  private static String hash(byte[] content) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content), 0, HASH_BYTES);
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every Java platform has SHA-256", e);
    }
  }
}
