package dev.norma.benchmarks.report;

/** Text that is shown as it is, whatever it contains. */
final class Escape {
  private Escape() {}

  /** For HTML, between tags or in an attribute in double quotes. */
  static String html(String text) {
    return text.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace("\"", "&quot;");
  }

  /** For one line of Markdown or one cell of its tables. */
  static String markdown(String text) {
    return text.replace("\\", "\\\\")
        .replaceAll("[|*_`\\[\\]]", "\\\\$0")
        .replace("&", "&amp;")
        .replace("<", "&lt;")
        .replaceAll("\\s+", " ");
  }
}
