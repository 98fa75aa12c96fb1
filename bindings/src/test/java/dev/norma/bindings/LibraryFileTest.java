package dev.norma.bindings;

import static dev.norma.bindings.NormaLibrary.DIRECTORY_PROPERTY;
import static dev.norma.bindings.NormaLibrary.PATH_PROPERTY;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatNoException;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.assertj.core.api.ThrowableAssertAlternative;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class LibraryFileTest {
  @TempDir private Path folder;

  @Test
  void pathPropertyComesFirst() throws IOException {
    var file = Files.createFile(folder.resolve("libnorma.so"));
    var properties = Map.of(PATH_PROPERTY, file.toString(), DIRECTORY_PROPERTY, folder.resolve("unused").toString());
    assertThat(find(properties)).isEqualTo(new LibraryFile(file, false));
    assertThat(folder.resolve("unused")).doesNotExist();
  }

  @Test
  void relativePathIsMadeAbsolute() throws IOException {
    var file = Files.createFile(folder.resolve("libnorma.so"));
    var relative = Path.of("").toAbsolutePath().relativize(file);
    var found = find(Map.of(PATH_PROPERTY, relative.toString())).path();
    assertThat(found).isAbsolute().isRegularFile();
  }

  @Test
  void packedLibraryGoesToTheDirectoryOfTheProperty() {
    var file = find(Map.of(DIRECTORY_PROPERTY, folder.resolve("given").toString()));
    assertThat(file.packed()).isTrue();
    assertThat(file.path()).hasParent(folder.resolve("given")).isRegularFile();
  }

  @Test
  void missingFileIsNamedAndNothingElseIsTried() {
    var missing = folder.resolve("libnorma.so");
    failure(Map.of(PATH_PROPERTY, missing.toString(), DIRECTORY_PROPERTY, folder.toString()))
        .withMessage("Cannot load the Norma library " + missing + " (system property norma.library.path): there is no"
            + " such file. Set norma.library.path to the library file, or leave it unset to use the one in the jar.");
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void directoryInPlaceOfTheFileIsNamed() {
    failure(Map.of(PATH_PROPERTY, folder.toString()))
        .withMessageStartingWith("Cannot load the Norma library " + folder + " (system property norma.library.path):"
            + " it is not a file.");
  }

  @Test
  void emptyPropertyIsNotTakenForUnset() {
    failure(Map.of(PATH_PROPERTY, " "))
        .withMessage("Cannot load the Norma library: the system property norma.library.path is empty.");
    failure(Map.of(DIRECTORY_PROPERTY, ""))
        .withMessage("Cannot load the Norma library: the system property norma.library.dir is empty.");
  }

  @Test
  void valueThatIsNoPathIsNamed() {
    failure(Map.of(PATH_PROPERTY, "lib\0norma.so"))
        .withMessageStartingWith(
            "Cannot load the Norma library: the system property norma.library.path is not a path: ");
  }

  @Test
  void unsupportedPlatformIsNamed() {
    var properties = Map.of(DIRECTORY_PROPERTY, folder.toString());
    assertThatExceptionOfType(NormaLibraryException.class)
        .isThrownBy(() -> LibraryFile.find(properties::get, Platform.of("Linux", "riscv64")))
        .withMessageStartingWith("Cannot load the Norma library: there is none for linux-riscv64 in the jar (")
        .withMessageEndingWith("Build it from source with CMake and set -Dnorma.library.path to the file.");
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void packedLibraryHasTheFormatOfThisPlatform() {
    assertThatNoException().isThrownBy(() -> find(Map.of(DIRECTORY_PROPERTY, folder.toString())).requireFormat());
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "\u007fELF and no more", "#!/bin/sh\necho not a library\n"})
  void fileThatIsNoLibraryIsNamed(String content) throws IOException {
    var file = new LibraryFile(Files.writeString(folder.resolve("libnorma.so"), content), false);
    assertThatExceptionOfType(NormaLibraryException.class).isThrownBy(file::requireFormat)
        .withMessage("Cannot load the Norma library " + file.path() + " (system property norma.library.path): it is not"
            + " a shared library (there is no ELF header at its beginning).");
  }

  @ParameterizedTest
  @CsvSource({"3, x86", "40, arm", "22, s390x", "243, riscv64", "9999, processor number 9999"})
  void processorThatTheFileIsBuiltForIsNamed(int machine, String name) throws IOException {
    var file = find(Map.of(DIRECTORY_PROPERTY, folder.toString()));
    ElfFiles.setMachine(file.path(), machine);
    assertThatExceptionOfType(NormaLibraryException.class).isThrownBy(file::requireFormat)
        .withMessage("Cannot load the Norma library " + file.path() + " (extracted from the jar): it is built for "
            + name + ", and this JVM runs on " + Platform.current().arch() + ". Use one built for "
            + Platform.current() + ".");
  }

  @Test
  void fileThatWasCutOffIsNamed() throws IOException {
    var file = find(Map.of(DIRECTORY_PROPERTY, folder.toString()));
    ElfFiles.cutOff(file.path(), 1000);
    assertThatExceptionOfType(NormaLibraryException.class).isThrownBy(file::requireFormat)
        .withMessageStartingWith("Cannot load the Norma library " + file.path() + " (extracted from the jar): it is"
            + " damaged: 1000 of ")
        .withMessageEndingWith(" bytes are there. Replace it.");
  }

  private static LibraryFile find(Map<String, String> properties) {
    return LibraryFile.find(properties::get, Platform.current());
  }

  private static ThrowableAssertAlternative<NormaLibraryException> failure(Map<String, String> properties) {
    return assertThatExceptionOfType(NormaLibraryException.class).isThrownBy(() -> find(properties));
  }
}
