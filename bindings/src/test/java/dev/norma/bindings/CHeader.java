package dev.norma.bindings;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/** The declarations of norma.h, read from its text without a C compiler. */
record CHeader(List<Function> functions, List<Struct> structs, List<Constant> constants) {
  private static final Pattern COMMENT = Pattern.compile("/\\*.*?\\*/", Pattern.DOTALL);
  private static final Pattern DIRECTIVE = Pattern.compile("^#(.*\\\\\\n)*.*$", Pattern.MULTILINE);
  private static final Pattern FUNCTION =
      Pattern.compile("NORMA_API\\s+([\\w\\s*]+?)(norma_\\w+)\\s*\\(([^)]*)\\)\\s*;");
  private static final Pattern STRUCT = Pattern.compile("struct\\s+(norma_\\w+)\\s*\\{([^}]*)}");
  private static final Pattern ENUM = Pattern.compile("enum\\s+norma_\\w+\\s*\\{([^}]*)}");
  private static final Pattern CONSTANT = Pattern.compile("(NORMA_\\w+)\\s*=\\s*(-?\\d+)");
  private static final Pattern NAME_AT_END = Pattern.compile("(.*?)(\\w+)$", Pattern.DOTALL);

  /** A parameter of a function or a field of a struct, with the type that Java gives it. */
  record Variable(String name, Class<?> type) {}

  record Function(String name, Class<?> result, List<Variable> parameters) {
    @Override
    public String toString() {
      return name;
    }
  }

  record Struct(String name, List<Variable> fields) {
    @Override
    public String toString() {
      return name;
    }
  }

  record Constant(String name, int value) {}

  static CHeader read() {
    try {
      return parse(Files.readString(Path.of(System.getProperty("norma.test.header"))));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static CHeader parse(String text) {
    var code = DIRECTIVE.matcher(COMMENT.matcher(text).replaceAll(" ")).replaceAll("");
    var functions = FUNCTION.matcher(code).results().map(CHeader::function).toList();
    var structs = STRUCT.matcher(code).results().map(CHeader::struct).toList();
    var constants = ENUM.matcher(code).results().flatMap(match -> constants(match.group(1)).stream()).toList();
    return new CHeader(functions, structs, constants);
  }

  private static Function function(MatchResult match) {
    var parameters = match.group(3).strip();
    return new Function(match.group(2), javaType(match.group(1)), parameters.equals("void") ? List.of()
        : Arrays.stream(parameters.split(",")).map(CHeader::variable).toList());
  }

  private static Struct struct(MatchResult match) {
    var fields = Arrays.stream(match.group(2).split(";")).filter(field -> !field.isBlank()).map(CHeader::variable);
    return new Struct(match.group(1), fields.toList());
  }

  private static List<Constant> constants(String body) {
    return Arrays.stream(body.split(",")).filter(line -> !line.isBlank()).map(line -> {
      var match = CONSTANT.matcher(line.strip());
      if (!match.matches()) {
        throw new IllegalArgumentException("an enum constant without a value: " + line.strip());
      }
      return new Constant(match.group(1), Integer.parseInt(match.group(2)));
    }).toList();
  }

  private static Variable variable(String declaration) {
    var match = NAME_AT_END.matcher(declaration.strip());
    if (!match.matches()) {
      throw new IllegalArgumentException("not a plain parameter or field: " + declaration.strip());
    }
    return new Variable(match.group(2), javaType(match.group(1)));
  }

  /** Only what the header allows itself: a type that is not here fails the test. */
  private static Class<?> javaType(String type) {
    if (type.contains("*")) {
      return MemorySegment.class;
    }
    return switch (type.strip()) {
      case "int32_t", "norma_status" -> int.class;
      case "int64_t" -> long.class;
      case "double" -> double.class;
      default -> throw new IllegalArgumentException("no Java type is known for the C type " + type.strip());
    };
  }
}
