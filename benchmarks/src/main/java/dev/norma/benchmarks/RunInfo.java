package dev.norma.benchmarks;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonParseException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * What one has to know of a run beside its results. It stands in run.json beside results.csv, so that the report can be
 * made again.
 *
 * @param command as the user typed it, such as {@code ./norma bench --quick}
 * @param commit of Norma, with "with changes" where the working tree differs from it; "unknown" outside of a checkout
 * @param start in UTC, such as {@code 2026-01-31T12:00:00Z}
 * @param machine what it ran on: label to text, in the order to show them
 * @param implementations that were asked for, in the order of the registry
 * @param versions what each runner said it is: implementation to text, of those that are not missing
 * @param notes sentences on what the reader should know, such as that the run was interrupted
 * @param rounds how many turns a runner had in each case
 * @param turnNanoseconds the least length of a turn
 */
public record RunInfo(
    String command,
    String commit,
    String start,
    Map<String, String> machine,
    List<Implementation> implementations,
    Map<String, String> versions,
    List<String> notes,
    int rounds,
    long turnNanoseconds) {
  /** The name of the file in the folder of a run. */
  public static final String FILE = "run.json";

  private static final Gson GSON = new GsonBuilder().setPrettyPrinting().disableHtmlEscaping().create();

  /**
   * Writes run.json, over an older one.
   *
   * @param folder of the run
   * @throws IOException if it cannot be written
   */
  public void write(Path folder) throws IOException {
    Files.writeString(folder.resolve(FILE), GSON.toJson(this) + "\n");
  }

  /**
   * Reads run.json.
   *
   * @param folder of the run
   * @return what {@link #write} wrote
   * @throws IOException if it cannot be read
   * @throws IllegalArgumentException if it is no such file; the message says which
   */
  public static RunInfo read(Path folder) throws IOException {
    var file = folder.resolve(FILE);
    try {
      var info = GSON.fromJson(Files.readString(file), RunInfo.class);
      if (info == null
          || info.machine == null
          || info.versions == null
          || info.implementations == null
          || info.notes == null) {
        throw new JsonParseException("incomplete");
      }
      return info;
    } catch (JsonParseException e) {
      throw new IllegalArgumentException("%s: not what a run writes (%s)".formatted(file, e.getMessage()), e);
    }
  }
}
