package dev.norma.bindings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PackedLibraryTest {
  @TempDir private Path folder;
  private Path directory;

  @BeforeEach
  void chooseDirectory() {
    directory = folder.resolve("a").resolve("b");
  }

  @Test
  void contentIsThatOfTheJar() throws IOException {
    try (var packed = PackedLibrary.class.getResourceAsStream(Platform.current().resource())) {
      assertThat(extract()).hasBinaryContent(packed.readAllBytes());
    }
  }

  @Test
  void onlyTheOwnerHasAccess() throws IOException {
    var file = extract();
    assertThat(permissions(directory)).isEqualTo("rwx------");
    assertThat(permissions(directory.getParent())).isEqualTo("rwx------");
    assertThat(permissions(file)).isEqualTo("rw-------");
  }

  @Test
  void fileIsUsedAgain() throws IOException {
    var file = extract();
    var old = FileTime.fromMillis(0);
    Files.setLastModifiedTime(file, old);
    assertThat(extract()).isEqualTo(file);
    assertThat(Files.getLastModifiedTime(file)).isEqualTo(old);
  }

  @Test
  void changedFileIsReplaced() throws IOException {
    var file = extract();
    var content = Files.readAllBytes(file);
    Files.write(file, new byte[] {1, 2, 3});
    assertThat(extract()).isEqualTo(file).hasBinaryContent(content);
  }

  @Test
  void nothingElseIsLeftBehind() throws IOException {
    var file = extract();
    try (var entries = Files.list(directory)) {
      assertThat(entries).containsExactly(file);
    }
  }

  @Test
  void directoryThatOthersCanWriteToIsRefused() throws IOException {
    Files.createDirectories(directory);
    Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxrwxrwx"));
    assertThatExceptionOfType(NormaLibraryException.class).isThrownBy(this::extract)
        .withMessage("Cannot extract the Norma library to " + directory + ": other users can write there and could"
            + " replace it. Set -Dnorma.library.dir to a directory that only this user can write to.");
    assertThat(directory).isEmptyDirectory();
  }

  @Test
  void directoryThatCannotBeCreatedIsNamed() throws IOException {
    Files.createFile(folder.resolve("a"));
    assertThatExceptionOfType(NormaLibraryException.class).isThrownBy(this::extract)
        .withMessageStartingWith("Cannot extract the Norma library to " + directory + ": ")
        .withMessageEndingWith(". Set -Dnorma.library.dir to a directory that this user can write to.")
        .withCauseInstanceOf(IOException.class);
  }

  private Path extract() {
    return PackedLibrary.extract(Platform.current(), directory);
  }

  private static String permissions(Path path) throws IOException {
    return PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
  }
}
