package dev.norma.benchmarks.run;

/**
 * A line from a runner.
 *
 * @param word what it begins with, such as {@code prepared}
 * @param rest what follows the first comma, empty if there is none
 */
record Answer(String word, String rest) {
  static Answer parse(String line) {
    var fields = line.split(",", 2);
    return new Answer(fields[0].strip(), fields.length > 1 ? fields[1].strip() : "");
  }

  boolean is(String expected) {
    return word.equals(expected);
  }

  /** The line that is in no place here. */
  RunnerException unexpected(String expected) {
    return new RunnerException(is("failed") ? rest : "it said '%s', expected %s".formatted(this, expected));
  }

  @Override
  public String toString() {
    return rest.isEmpty() ? word : word + "," + rest;
  }
}
