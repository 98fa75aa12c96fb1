package dev.norma;

import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.function.Consumer;

/** Reads the JSON values that a safetensors header is made of, from left to right. */
final class JsonScanner {
  private final Path file;
  private final String text;
  private int at;

  JsonScanner(Path file, String text) {
    this.file = file;
    this.text = text;
  }

  /** Reads an object; the member's consumer reads the value. A name that stands twice is refused. */
  void readObject(Consumer<String> member) {
    var names = new HashSet<String>();
    expect('{');
    if (accept('}')) {
      return;
    }
    do {
      var name = readString();
      if (!names.add(name)) {
        throw malformed("a new name, not '" + name + "' again");
      }
      expect(':');
      member.accept(name);
    } while (accept(','));
    expect('}');
  }

  /** Reads an array of whole numbers, none negative. */
  void readNumbers(List<Long> numbers) {
    expect('[');
    if (accept(']')) {
      return;
    }
    do {
      numbers.add(readNumber());
    } while (accept(','));
    expect(']');
  }

  private long readNumber() {
    skipSpace();
    var start = at;
    while (at < text.length() && text.charAt(at) >= '0' && text.charAt(at) <= '9') {
      at++;
    }
    var digits = text.substring(start, at);
    if (digits.isEmpty() || (digits.length() > 1 && digits.startsWith("0"))) {
      at = start;
      throw malformed("a whole number");
    }
    try {
      return Long.parseLong(digits);
    } catch (NumberFormatException tooLarge) {
      at = start;
      throw malformed("a number below 2^63");
    }
  }

  String readString() {
    expect('"');
    var value = new StringBuilder();
    while (at < text.length() && text.charAt(at) != '"') {
      var c = text.charAt(at);
      if (c < ' ') {
        throw malformed("no control character in a string");
      }
      at++;
      value.append(c == '\\' ? readEscape() : c);
    }
    if (at == text.length()) {
      throw malformed("'\"'");
    }
    at++;
    return value.toString();
  }

  private char readEscape() {
    var c = at < text.length() ? text.charAt(at++) : '\0';
    return switch (c) {
      case '"', '\\', '/' -> c;
      case 'b' -> '\b';
      case 'f' -> '\f';
      case 'n' -> '\n';
      case 'r' -> '\r';
      case 't' -> '\t';
      case 'u' -> readCodeUnit();
      default -> throw malformed("an escape that JSON knows");
    };
  }

  private char readCodeUnit() {
    var value = 0;
    for (var i = 0; i < 4; i++) {
      var digit = at < text.length() && text.charAt(at) < 0x80 ? Character.digit(text.charAt(at), 16) : -1;
      if (digit < 0) {
        throw malformed("four hexadecimal digits");
      }
      value = value * 16 + digit;
      at++;
    }
    return (char) value;
  }

  void requireEnd() {
    skipSpace();
    if (at < text.length()) {
      throw malformed("the end of the header");
    }
  }

  private void expect(char wanted) {
    if (!accept(wanted)) {
      throw malformed("'" + wanted + "'");
    }
  }

  private boolean accept(char wanted) {
    skipSpace();
    if (at < text.length() && text.charAt(at) == wanted) {
      at++;
      return true;
    }
    return false;
  }

  private void skipSpace() {
    while (at < text.length() && " \t\r\n".indexOf(text.charAt(at)) >= 0) {
      at++;
    }
  }

  private MalformedFileException malformed(String expected) {
    var found = at < text.length() ? "'" + text.charAt(at) + "'" : "its end";
    return new MalformedFileException(
        file, "header, character %d: expected %s, found %s".formatted(at, expected, found));
  }
}
