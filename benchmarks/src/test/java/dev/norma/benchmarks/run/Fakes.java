package dev.norma.benchmarks.run;

import dev.norma.benchmarks.Implementation;
import dev.norma.benchmarks.Implementation.Kind;
import dev.norma.benchmarks.Normalization;
import java.nio.file.Path;
import java.util.List;

/** Implementations whose runners are {@link FakeRunner}s. */
public final class Fakes {
  private Fakes() {}

  /** A row of a registry. */
  static Implementation implementation(String name, Kind kind, String behaviour) {
    return new Implementation(
        name, "Java", kind, List.of(Normalization.values()), List.of("f32", "f64"), List.of("nchw", "nhwc"), false,
        command(behaviour));
  }

  /** The command of a runner that behaves in some way. */
  public static String command(String behaviour) {
    return "%s --enable-native-access=ALL-UNNAMED -XX:TieredStopAtLevel=1 -cp %s %s %s".formatted(
        Path.of(System.getProperty("java.home"), "bin", "java"), System.getProperty("java.class.path"),
        FakeRunner.class.getName(), behaviour);
  }
}
