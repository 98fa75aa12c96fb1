package dev.norma.benchmarks.run;

import dev.norma.cli.InstructionSet;
import dev.norma.cli.Processor;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What one has to know of the machine and of the sources to judge the times. */
final class Machine {
  private static final String UNKNOWN = "unknown";

  private Machine() {}

  /** Label to text, in the order to show them. */
  static Map<String, String> facts() {
    var facts = new LinkedHashMap<String, String>();
    facts.put("processor", Processor.name());
    facts.put("cores", Integer.toString(Runtime.getRuntime().availableProcessors()));
    facts.put("caches", Processor.caches());
    facts.put("memory", Memory.text(Memory.total()));
    facts.put("huge pages", hugePages());
    facts.put("instruction set", InstructionSet.describe());
    facts.put("JDK", (System.getProperty("java.vendor.version", "") + " " + Runtime.version()).strip());
    facts.put("C compiler", firstLine(output(List.of("cc", "--version")).orElse(UNKNOWN)));
    facts.put("system", distribution() + System.getProperty("os.name") + " " + System.getProperty("os.version") + " "
        + System.getProperty("os.arch"));
    return facts;
  }

  private static String firstLine(String text) {
    return text.lines().findFirst().orElse(UNKNOWN);
  }

  /** The mode of transparent huge pages is the one in brackets. */
  private static String hugePages() {
    try {
      return Files.readString(Path.of("/sys/kernel/mm/transparent_hugepage/enabled"))
          .strip()
          .replaceAll(".*\\[(.*)].*", "transparent: $1");
    } catch (IOException e) {
      return UNKNOWN;
    }
  }

  private static String distribution() {
    try (var lines = Files.lines(Path.of("/etc/os-release"))) {
      return lines.filter(line -> line.startsWith("PRETTY_NAME="))
          .map(line -> line.substring(line.indexOf('=') + 1).replace("\"", "") + ", ")
          .findFirst()
          .orElse("");
    } catch (IOException e) {
      return "";
    }
  }

  /** The commit that is checked out, and whether files differ from it. */
  static String commit(Path root) {
    String folder = root.toString();
    return output(List.of("git", "-C", folder, "rev-parse", "--short", "HEAD"))
        .map(hash -> hash.strip()
            + (output(List.of("git", "-C", folder, "status", "--porcelain")).orElse("").isBlank()
                ? ""
                : " with changes"))
        .orElse(UNKNOWN);
  }

  /** What a program prints; empty if it fails or is not there. */
  private static Optional<String> output(List<String> command) {
    try {
      var process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start();
      process.getOutputStream().close();
      String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      return process.waitFor() == 0 ? Optional.of(text) : Optional.empty();
    } catch (IOException e) {
      return Optional.empty();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return Optional.empty();
    }
  }
}
