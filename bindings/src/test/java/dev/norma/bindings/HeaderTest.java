package dev.norma.bindings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.norma.bindings.CHeader.Constant;
import dev.norma.bindings.CHeader.Function;
import dev.norma.bindings.CHeader.Struct;
import dev.norma.bindings.CHeader.Variable;
import dev.norma.bindings.c.Norma;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.PaddingLayout;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The committed bindings are those of the header as it stands: a change of norma.h without a run of generate.sh fails
 * here, also where there is no jextract.
 */
class HeaderTest {

  static Stream<Function> functions() {
    return CHeader.read().functions().stream();
  }

  static Stream<Struct> structs() {
    return CHeader.read().structs().stream();
  }

  @ParameterizedTest
  @MethodSource("functions")
  void functionHasTheTypesOfTheHeader(Function function) throws NoSuchMethodException {
    var types = function.parameters().stream().map(Variable::type).toArray(Class<?>[]::new);
    var method = Norma.class.getMethod(function.name(), types);
    assertThat(method.getReturnType()).isEqualTo(function.result());
    assertThat(method.getParameters()).extracting(parameter -> parameter.getName())
        .isEqualTo(function.parameters().stream().map(Variable::name).toList());
  }

  @ParameterizedTest
  @MethodSource("structs")
  void structHasTheFieldsOfTheHeader(Struct struct) throws ReflectiveOperationException {
    var fields = Generated.layout(struct.name()).memberLayouts().stream()
        .filter(member -> !(member instanceof PaddingLayout))
        .map(member -> new Variable(member.name().orElseThrow(), ((ValueLayout) member).carrier()));
    assertThat(fields).containsExactlyElementsOf(struct.fields());
  }

  @Test
  void nothingIsMissingAndNothingIsLeftOver() {
    var header = CHeader.read();
    assertThat(Generated.functions())
        .containsExactlyInAnyOrderElementsOf(header.functions().stream().map(Function::name).toList());
    assertThat(Generated.constants())
        .containsExactlyInAnyOrderElementsOf(header.constants().stream().map(Constant::name).toList());
  }

  @Test
  void constantsHaveTheValuesOfTheHeader() throws ReflectiveOperationException {
    for (var constant : CHeader.read().constants()) {
      assertThat(Generated.constant(constant.name())).as(constant.name()).isEqualTo(constant.value());
    }
  }

  /** The reader of the header must see everything, else the tests above compare less than they claim. */
  @Test
  void everyDeclarationOfTheHeaderIsRead() throws IOException {
    var text = Files.readString(Path.of(System.getProperty("norma.test.header")));
    var header = CHeader.parse(text);
    assertThat(header.functions()).hasSameSizeAs(matches("^NORMA_API\\b", text)).isNotEmpty();
    assertThat(header.structs()).hasSameSizeAs(matches("^(typedef )?struct\\b.*\\{$", text)).isNotEmpty();
    assertThat(header.constants()).hasSameSizeAs(matches("^  NORMA_\\w+\\b.*=", text)).isNotEmpty();
  }

  @Test
  void headerIsReadAsCWouldReadIt() {
    var header = CHeader.parse("""
        /* NORMA_API int32_t norma_in_comment(void); */
        #define NORMA_API \\
          NORMA_API int32_t norma_in_macro(void);
        enum norma_colour { NORMA_RED = 0, /* a, b */ NORMA_BLUE = 7 };
        typedef struct norma_pair { int64_t first; double second; } norma_pair;
        NORMA_API const char *norma_name(void);
        NORMA_API norma_status norma_run(
            const norma_pair *pair, int32_t count);
        """);
    assertThat(header).isEqualTo(new CHeader(
        List.of(
            new Function("norma_name", MemorySegment.class, List.of()),
            new Function("norma_run", int.class,
                List.of(new Variable("pair", MemorySegment.class), new Variable("count", int.class)))),
        List.of(new Struct("norma_pair",
            List.of(new Variable("first", long.class), new Variable("second", double.class)))),
        List.of(new Constant("NORMA_RED", 0), new Constant("NORMA_BLUE", 7))));
  }

  @Test
  void aTypeWithoutAKnownSizeIsRefused() {
    assertThatThrownBy(() -> CHeader.parse("NORMA_API long norma_size(void);"))
        .hasMessage("no Java type is known for the C type long");
  }

  private static List<String> matches(String regex, String text) {
    return Pattern.compile(regex, Pattern.MULTILINE).matcher(text).results().map(match -> match.group()).toList();
  }
}
