package dev.norma.benchmarks.report;

import com.google.gson.Gson;
import dev.norma.benchmarks.RunInfo;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** report.html: one file with everything that it needs in it. */
final class HtmlReport {
  private static final String ECHARTS = "/META-INF/resources/webjars/echarts/5.5.0/echarts.min.js";
  private static final Pattern FIELD = Pattern.compile("\\{\\{(\\w+)}}");

  private HtmlReport() {}

  static String of(RunInfo info, Results results) {
    var verdict = new Verdict(results);
    var fields = Map.ofEntries(
        Map.entry("style", resource("report.css")),
        Map.entry("verdict", Escape.html(verdict.sentence())),
        Map.entry("scope", Escape.html(verdict.scope())),
        Map.entry("highlights", highlights(verdict)),
        Map.entry("command", Escape.html(info.command())),
        Map.entry("commit", Escape.html(info.commit())),
        Map.entry("start", Escape.html(info.start())),
        Map.entry("notes", paragraphs("note", info.notes())),
        Map.entry("problems", problems(results)),
        Map.entry("reading", Escape.html(RatioTables.READING)),
        Map.entry("names", Escape.html(RatioTables.NAMES)),
        Map.entry("ratios", ratios(results)),
        Map.entry("machine", Tables.machine(info).toHtml()),
        Map.entry("versions", Tables.versions(info).toHtml()),
        Map.entry("everything", Tables.everything(results).toHtml()),
        // Gson writes < as \u003c: the data cannot end the script element that holds it.
        Map.entry("data", new Gson().toJson(PageData.of(results))),
        Map.entry("echarts", resource(ECHARTS)),
        Map.entry("script", resource("report.js")));
    return FIELD.matcher(resource("report.html"))
        .replaceAll(field -> Matcher.quoteReplacement(fields.get(field.group(1))));
  }

  private static String highlights(Verdict verdict) {
    return verdict.highlights().stream()
        .map(highlight -> """
            <li>
            <span class="pass">%s</span>
            <strong>%s</strong>
            <span>the speed of %s, the fastest peer, in %s%s</span>
            <span class="limit">%s</span>
            </li>
            """.formatted(
                highlight.closest().selection().pass(),
                Units.ratio(highlight.closest().value()),
                Escape.html(highlight.closest().peer()),
                highlight.closest().selection().layout(),
                coverage(highlight.closest().mean()),
                highlight.limit().map(limit -> limit + " the time of a copy").orElse("no copy was measured")))
        .collect(Collectors.joining());
  }

  private static String coverage(Mean mean) {
    return mean.isWhole() ? "" : ", over %d of %d shapes".formatted(mean.shapes(), mean.ofShapes());
  }

  private static String paragraphs(String style, List<String> texts) {
    return texts.stream()
        .map(text -> "<p class=\"%s\">%s</p>\n".formatted(style, Escape.html(text)))
        .collect(Collectors.joining());
  }

  private static String problems(Results results) {
    var problems = Problem.of(results.rows());
    return problems.isEmpty()
        ? "<p>Nothing: every implementation ran every case.</p>"
        : Problem.table(problems).toHtml();
  }

  /** One for each group; the script shows the one that the reader chose. */
  private static String ratios(Results results) {
    return results.groups().stream()
        .map(group -> {
          var tables = new RatioTables(results, group);
          return """
              <div class="ratios" data-operation="%s" data-set="%s" data-type="%s" data-threads="%d">
              %s%s</div>
              """.formatted(
              group.operation(),
              Escape.html(group.set()),
              Escape.html(group.type()),
              group.threads(),
              tables.peers().toHtml(),
              tables.norma().toHtml());
        })
        .collect(Collectors.joining());
  }

  private static String resource(String name) {
    try (var stream = HtmlReport.class.getResourceAsStream(name)) {
      return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
