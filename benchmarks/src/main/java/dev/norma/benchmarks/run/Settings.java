package dev.norma.benchmarks.run;

import dev.norma.benchmarks.Implementation;
import dev.norma.benchmarks.Operation;
import dev.norma.benchmarks.Pass;
import dev.norma.benchmarks.Shape;
import dev.norma.benchmarks.Types;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * What to run.
 *
 * @param root of the repository, the working directory of the runners
 * @param command as the user typed it
 * @param implementations to compare, in the order of the registry
 * @param shapes at least one
 * @param operations at least one
 * @param types of {@link Types#ALL}
 * @param layouts of nchw and nhwc
 * @param passes at least one
 * @param threads counts, each at least 1
 * @param python the interpreter; empty for the first of python3 and python on the PATH
 * @param rounds turns of a runner in each case, at least 1
 * @param turnNanoseconds the least length of a turn, at least 1
 * @param out folder for the results; exists
 */
public record Settings(
    Path root,
    String command,
    List<Implementation> implementations,
    List<Shape> shapes,
    List<Operation> operations,
    List<String> types,
    List<String> layouts,
    List<Pass> passes,
    List<Integer> threads,
    Optional<Path> python,
    int rounds,
    long turnNanoseconds,
    Path out) {
  /**
   * The folder of registry, shapes and runners.
   *
   * @return its path
   */
  public Path benchmarks() {
    return root.resolve("benchmarks");
  }
}
