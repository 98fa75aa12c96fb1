package dev.norma.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.norma.Kernels;
import dev.norma.MismatchException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

class CheckCommandTest {
  private static final String[] OPERATIONS = {
    "forward training", "backward training", "forward inference", "backward inference", "relu forward training",
    "relu backward training", "relu forward inference", "relu backward inference", "running update",
    "local statistics", "merge statistics", "normalize", "local gradient sums", "merge gradient sums",
    "gradient input", "fold", "gradient descent", "layer norm forward", "layer norm backward", "rms norm forward",
    "rms norm backward", "group norm forward", "group norm backward", "instance norm forward",
    "instance norm backward", "instance norm averages"
  };

  @Test
  void theGridHasNoMismatch() {
    var result = Cli.run("check");
    assertThat(result.exitCode()).isZero();
    assertThat(result.out()).contains(OPERATIONS).contains("no mismatch.").doesNotContain("Infinity", "NaN");
    // 12 shapes, 2 layouts, 4 types, 6 kinds of data; one of them is too large for one of the types.
    assertThat(result.out()).contains("in 552 cases");
    assertThat(result.err()).isEmpty();
  }

  @Test
  void checksOneShapeInOneLayoutAndType() {
    var result = Cli.run("check", "--shape", "3x5x4x2", "--layout", "nhwc", "--type", "f32", "--seed", "7");
    assertThat(result.exitCode()).isZero();
    assertThat(result.out()).contains("3x5x4x2 nhwc f32").contains("in 6 cases").doesNotContain("nchw f32", "f64,");
  }

  @Test
  void checksTypesOf16Bits() {
    for (var type : new String[] {"bf16", "f16"}) {
      var result = Cli.run("check", "--shape", "8x5x17", "--layout", "nchw", "--type", type);
      assertThat(result.exitCode()).isZero();
      assertThat(result.out()).contains("8x5x17 nchw " + type).contains("no mismatch.");
    }
  }

  @Test
  void theSeedDecidesTheNumbers() {
    var first = Cli.run("check", "--shape", "64x16", "--seed", "1");
    assertThat(Cli.run("check", "--shape", "64x16", "--seed", "1").out()).isEqualTo(first.out());
    assertThat(Cli.run("check", "--shape", "64x16", "--seed", "2").out()).isNotEqualTo(first.out());
  }

  @Test
  void oneValuePerChannelLeavesTrainingOut() {
    var result = Cli.run("check", "--shape", "1x8");
    assertThat(result.exitCode()).isZero();
    assertThat(result.out()).contains("forward inference").doesNotContain("forward training", "backward training");
  }

  /** The reference, but for one operation that differs from it and says so, as the checked kernels do. */
  private static Kernels wrongIn(String operation) {
    return (Kernels) Proxy.newProxyInstance(Kernels.class.getClassLoader(), new Class<?>[] {Kernels.class},
        (proxy, method, arguments) -> {
          if (method.getName().equals(operation)) {
            throw mismatch(operation);
          }
          try {
            return method.invoke(Kernels.reference(), arguments);
          } catch (InvocationTargetException e) {
            throw e.getCause();
          }
        });
  }

  private static MismatchException mismatch(String operation) throws ReflectiveOperationException {
    var constructor = MismatchException.class.getDeclaredConstructor(
        String.class, String.class, String.class, double.class, double.class, double.class);
    constructor.setAccessible(true);
    return constructor.newInstance(operation, "y", "element 3", 1.0, 2.0, 0.001);
  }

  @Test
  void aMismatchIsReportedAndEndsInExitCodeOne() {
    var out = new StringWriter();
    var err = new StringWriter();
    int exitCode = new CommandLine(new CheckCommand(() -> wrongIn("normalize")))
        .setOut(new PrintWriter(out))
        .setErr(new PrintWriter(err, true))
        .execute("--shape", "4x3x5");
    assertThat(exitCode).isEqualTo(1);
    assertThat(out.toString()).contains("46 mismatches.");
    assertThat(err.toString().lines())
        .hasSize(46)
        .first()
        .asString()
        .startsWith("4x3x5 nchw f32, normal: normalize: y differs first at element 3");
  }
}
