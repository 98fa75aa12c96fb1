package dev.norma;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The file format, byte by byte. */
class SafeTensorsTest {
  @AutoClose private final Arena arena = Arena.ofConfined();
  @TempDir private Path folder;
  private Path file;

  @BeforeEach
  void name() {
    file = folder.resolve("state.safetensors");
  }

  /** A file with a header and so many zero bytes of data. */
  private Path write(String header, int dataBytes) throws IOException {
    var text = header.getBytes(StandardCharsets.UTF_8);
    var bytes = ByteBuffer.allocate(8 + text.length + dataBytes).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putLong(text.length).put(text);
    return Files.write(file, bytes.array());
  }

  private static String tensor(String name, String dtype, String shape, String offsets) {
    return "\"%s\":{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":%s}".formatted(name, dtype, shape, offsets);
  }

  @ParameterizedTest
  @CsvSource({"FLOAT32, F32", "FLOAT64, F64", "BFLOAT16, BF16", "FLOAT16, F16"})
  void tensorsOfEveryDataTypeAreWritten(DataType dataType, SafeTensors.Type type) {
    assertThat(SafeTensors.Type.of(dataType)).isEqualTo(type);
    assertThat(type.bytes()).isEqualTo(dataType.bytes());
    var tensor = Tensor.allocate(arena, dataType, Layout.CHANNELS_FIRST, 2, 3).copyFrom(1f, -2f, 3f, 0.5f, 0f, 9f);
    new SafeTensors(Map.of("x", SafeTensors.Entry.of(type, tensor.segment(), 2, 3)), Map.of()).write(file);
    var read = SafeTensors.read(file, arena).tensor("x");
    assertThat(read.type()).isEqualTo(type);
    assertThat(read.data().mismatch(tensor.segment())).isEqualTo(-1);
  }

  @Test
  void whatIsWrittenIsRead() {
    var numbers = arena.allocateFrom(JAVA_FLOAT, 1, 2, 3, 4, 5, 6);
    var awkward = "a \"name\"\\ with\n\u0001 everything: é, 字, \uD83D\uDE00";
    new SafeTensors(
            Map.of(
                awkward, SafeTensors.Entry.of(SafeTensors.Type.F32, numbers, 2, 3),
                "byte", SafeTensors.Entry.of(SafeTensors.Type.U8, arena.allocate(3), 3),
                "count", SafeTensors.Entry.of(SafeTensors.Type.I64, arena.allocate(8))),
            Map.of("key", awkward))
        .write(file);
    var read = SafeTensors.read(file, arena);
    assertThat(read.metadata()).containsExactly(Map.entry("key", awkward));
    assertThat(read.tensors()).containsOnlyKeys(awkward, "byte", "count");
    assertThat(read.tensor(awkward).shape()).containsExactly(2L, 3L);
    assertThat(read.tensor(awkward).type()).isEqualTo(SafeTensors.Type.F32);
    assertThat(read.tensor(awkward).data().mismatch(numbers)).isEqualTo(-1);
    assertThat(read.tensor("count").shape()).isEmpty();
    assertThat(read.tensor("byte").data().byteSize()).isEqualTo(3);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> read.tensor("other"))
        .withMessage("there is no tensor 'other'");
  }

  /** As the format wants it: length, header padded to 8 bytes, data in order. */
  @Test
  void theBytesAreThoseOfTheFormat() throws IOException {
    var one = SafeTensors.Entry.of(SafeTensors.Type.F32, arena.allocateFrom(JAVA_FLOAT, 1), 1);
    new SafeTensors(Map.of("b", one, "a", one), Map.of()).write(file);
    var header =
        "{" + tensor("a", "F32", "[1]", "[0,4]") + "," + tensor("b", "F32", "[1]", "[4,8]") + "}";
    var bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    var length = (int) bytes.getLong();
    assertThat(length % 8).isZero();
    assertThat(new String(bytes.array(), 8, length, StandardCharsets.UTF_8).stripTrailing()).isEqualTo(header);
    assertThat(bytes.getFloat(8 + length)).isEqualTo(1);
    assertThat(bytes.capacity()).isEqualTo(8 + length + 8);
  }

  @Test
  void spaceAndOrderDoNotMatter() throws IOException {
    write(
        " { \"x\" : { \"data_offsets\" : [ 0 , 8 ] , \"shape\" : [ 2 ] ,\n\t\"dtype\" : \"F32\" } ,"
            + "\"__metadata__\" : { \"\\u0061\" : \"\\t\" } }  ",
        8);
    var read = SafeTensors.read(file, arena);
    assertThat(read.metadata()).containsExactly(Map.entry("a", "\t"));
    assertThat(read.tensor("x").data().get(JAVA_FLOAT_UNALIGNED, 4)).isZero();
  }

  @Test
  void nothingAtAllIsFine() throws IOException {
    write("{}", 0);
    assertThat(SafeTensors.read(file, arena).tensors()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "`` | header, character 0: expected '{', found its end",
        "[] | header, character 0: expected '{', found '['",
        "{ | header, character 1: expected '\"', found its end",
        "{\"a | header, character 3: expected '\"', found its end",
        "{\"a\" | header, character 4: expected ':', found its end",
        "{\"a\":1} | header, character 5: expected '{', found '1'",
        "{\"a\\x\":{}} | header, character 5: expected an escape that JSON knows, found '\"'",
        "{\"a\\u00g0\":{}} | header, character 7: expected four hexadecimal digits, found 'g'",
        "{\"__metadata__\":{\"a\":1}} | header, character 21: expected '\"', found '1'",
        "{}x | header, character 2: expected the end of the header, found 'x'",
        "{\"__metadata__\":{},\"__metadata__\":{}} |"
            + " header, character 33: expected a new name, not '__metadata__' again, found ':'"
      })
  void malformedJson(String header, String problem) throws IOException {
    requireRefused(write(header.strip(), 0), problem);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "F32 | [2]  | [0,4]  | tensor 'a' of F32 [2] takes 8 bytes, but data_offsets give it 4",
        "F32 | [2]  | [8,16] | tensor 'a' ends at byte 16 of the data, but the file has only 8",
        "F32 | [1]  | [4,8]  | tensor 'a' begins at byte 4 of the data, but the one before it ends at 0",
        "F32 | [1]  | [0,4]  | the tensors take 4 bytes of data, but the file has 8",
        "F32 | [2]  | [8,0]  | tensor 'a' has data_offsets [8, 0]; expected [begin, end]",
        "F32 | [2]  | [0]    | tensor 'a' has data_offsets [0]; expected [begin, end]",
        "F32 | [2]  | [-8,0] | header, character 48: expected a whole number, found '-'",
        "F32 | [02] | [0,8]  | header, character 29: expected a whole number, found '0'",
        "F32 | [2.] | [0,8]  | header, character 30: expected ']', found '.'",
        "F32 | [99999999999999999999] | [0,8] | header, character 29: expected a number below 2^63, found '9'",
        "F32 | [4294967296,4294967296] | [0,8] | tensor 'a' of F32 [4294967296, 4294967296] is larger than any file",
        "G32 | [2]  | [0,8]  | tensor 'a' has dtype 'G32'; expected one of [BOOL, U8,"
      })
  void malformedTensors(String dtype, String shape, String offsets, String problem) throws IOException {
    requireRefused(write("{" + tensor("a", dtype, shape, offsets) + "}", 8), problem);
  }

  @Test
  void tensorsThatOverlap() throws IOException {
    var header = "{" + tensor("a", "F32", "[2]", "[0,8]") + "," + tensor("b", "F32", "[2]", "[4,12]") + "}";
    requireRefused(write(header, 12), "tensor 'b' begins at byte 4 of the data, but the one before it ends at 8");
  }

  @Test
  void fieldsThatAreMissingOrUnknown() throws IOException {
    requireRefused(
        write("{\"a\":{\"dtype\":\"F32\"}}", 0),
        "tensor 'a' has the fields [dtype]; expected dtype, shape, data_offsets");
    requireRefused(
        write("{\"a\":{\"stride\":[]}}", 0),
        "tensor 'a' has a field 'stride'; expected dtype, shape, data_offsets");
  }

  @Test
  void filesThatAreNoSafetensorsFiles() throws IOException {
    requireRefused(Files.write(file, new byte[0]), "it has 0 bytes, but must begin with 8 bytes");
    requireRefused(Files.write(file, new byte[7]), "it has 7 bytes, but must begin with 8 bytes");
    requireRefused(
        Files.write(file, new byte[] {40, 0, 0, 0, 0, 0, 0, 0, '{'}),
        "the header should have 40 bytes, but the file ends after 1 of them");
    requireRefused(
        Files.writeString(file, "PK\u0003\u0004 not a safetensors file"),
        "bytes 0 to 7 give the header");
    requireRefused(
        Files.write(file, new byte[] {-1, -1, -1, -1, -1, -1, -1, -1}),
        "bytes 0 to 7 give the header 18446744073709551615 bytes, but at most 100000000 are allowed");
    requireRefused(Files.write(file, new byte[] {1, 0, 0, 0, 0, 0, 0, 0, -1}), "the header is not UTF-8");
  }

  private void requireRefused(Path path, String problem) {
    assertThatExceptionOfType(MalformedFileException.class)
        .isThrownBy(() -> SafeTensors.read(path, arena))
        .withMessageStartingWith(path + ": " + problem)
        .satisfies(e -> assertThat(e.file()).isEqualTo(path));
  }

  @Test
  void aFileThatIsNotThere() {
    assertThatExceptionOfType(UncheckedIOException.class)
        .isThrownBy(() -> SafeTensors.read(file, arena))
        .withMessageContaining("cannot read " + file);
  }

  @Test
  void aFolderThatIsNotThere() {
    var lost = folder.resolve("none").resolve("state.safetensors");
    assertThatExceptionOfType(UncheckedIOException.class)
        .isThrownBy(() -> new SafeTensors(Map.of(), Map.of()).write(lost))
        .withMessageContaining("cannot write " + lost);
  }

  /** The target is a folder that is not empty, so that the last step fails. */
  @Test
  void aFailedWriteLeavesNothingBehind() throws IOException {
    Files.createDirectories(file.resolve("inside"));
    assertThatExceptionOfType(UncheckedIOException.class)
        .isThrownBy(() -> new SafeTensors(Map.of(), Map.of()).write(file));
    try (var files = Files.list(folder)) {
      assertThat(files).containsExactly(file);
    }
  }

  @Test
  void entriesCheckTheirSize() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new SafeTensors.Entry(SafeTensors.Type.F64, List.of(2L), MemorySegment.NULL))
        .withMessage("a tensor of F64 [2] takes 16 bytes, not 0");
  }
}
