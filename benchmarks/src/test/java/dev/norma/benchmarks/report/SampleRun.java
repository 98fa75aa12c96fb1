package dev.norma.benchmarks.report;

import dev.norma.benchmarks.Case;
import dev.norma.benchmarks.Implementation;
import dev.norma.benchmarks.Implementation.Kind;
import dev.norma.benchmarks.Normalization;
import dev.norma.benchmarks.Operation;
import dev.norma.benchmarks.Pass;
import dev.norma.benchmarks.Row;
import dev.norma.benchmarks.RunInfo;
import dev.norma.benchmarks.Shape;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** A whole run with times made up of a memory's bandwidth, what a call costs, and noise: the same at every call. */
final class SampleRun {
  /** Text that a report must not take for markup. */
  static final String HOSTILE = "wrong: dx differs by 3 ulp </script><img src=x onerror=alert(1)> | \"a\" & `b`";

  private static final int ROUNDS = 9;
  private static final int FEW_ROUNDS = 3;
  private static final List<String> TYPES = List.of("f32", "f64");
  private static final int[] THREADS = {1, 2};

  /** Time of a call in nanoseconds, and time over the limit's. */
  private record Speed(double call, double factor) {}

  private static final List<Implementation> IMPLEMENTATIONS = List.of(
      implementation("norma-c", "C", Kind.NORMA, "nchw nhwc", false),
      implementation("norma-java", "Java", Kind.NORMA, "nchw nhwc", false),
      implementation("norma-bindings", "Java", Kind.NORMA, "nchw nhwc", false),
      implementation("java-reference", "Java", Kind.PEER, "nchw nhwc", true),
      implementation("java-vector", "Java", Kind.PEER, "nchw nhwc", false),
      implementation("onednn", "C++", Kind.PEER, "nchw nhwc nChw16c", false),
      implementation("pytorch-jvm", "Java", Kind.PEER, "nchw nhwc", false),
      implementation("djl", "Java", Kind.PEER, "nchw", false),
      implementation("pytorch", "Python", Kind.PEER, "nchw nhwc", false),
      implementation("numpy", "Python", Kind.PEER, "nchw nhwc", true),
      implementation("copy", "C", Kind.LIMIT, "nchw nhwc", false),
      implementation("copy-streaming", "C", Kind.LIMIT, "nchw nhwc", false));

  private static final Map<String, Speed> SPEEDS = Map.ofEntries(
      Map.entry("norma-c", new Speed(180, 1.15)),
      Map.entry("norma-java", new Speed(265, 1.15)),
      Map.entry("norma-bindings", new Speed(205, 1.15)),
      Map.entry("java-reference", new Speed(500, 9)),
      Map.entry("java-vector", new Speed(900, 1.9)),
      Map.entry("onednn", new Speed(1400, 1.32)),
      Map.entry("pytorch-jvm", new Speed(5200, 1.85)),
      Map.entry("djl", new Speed(14_000, 1.95)),
      Map.entry("pytorch", new Speed(7300, 1.8)),
      Map.entry("numpy", new Speed(24_000, 14)),
      Map.entry("copy", new Speed(60, 1.12)),
      Map.entry("copy-streaming", new Speed(60, 1)));

  private static final Map<String, List<String>> SHAPES = Map.of(
      "resnet50", List.of(
          "64x112x112 32 64 12544 1", "64x56x56 32 64 3136 6", "256x56x56 32 256 3136 4", "128x28x28 32 128 784 8",
          "512x28x28 32 512 784 5", "256x14x14 32 256 196 12", "1024x14x14 32 1024 196 7", "512x7x7 32 512 49 6",
          "2048x7x7 32 2048 49 4"),
      "dense", List.of(
          "256x128 256 128 1 1", "256x1024 256 1024 1 1", "4096x256 4096 256 1 1", "1024x4096 1024 4096 1 1",
          "64x1000 64 1000 1 1"),
      "small", List.of(
          "1x16x8x8 1 16 64 1", "2x16x8x8 2 16 64 1", "4x16x8x8 4 16 64 1", "8x16x8x8 8 16 64 1",
          "8x32x8x8 8 32 64 1", "8x64x8x8 8 64 64 1", "8x128x8x8 8 128 64 1", "8x128x16x16 8 128 256 1"),
      "large", List.of(
          "128x64x112x112 128 64 12544 1", "128x256x56x56 128 256 3136 1", "256x512x28x28 256 512 784 1",
          "512x1024x14x14 512 1024 196 1"));

  private SampleRun() {}

  private static Implementation implementation(
      String name, String language, Kind kind, String layouts, boolean singleThreaded) {
    return new Implementation(
        name, language, kind, List.of(Normalization.BATCH), TYPES, List.of(layouts.split(" ")), singleThreaded,
        "{native}/" + name);
  }

  static RunInfo info() {
    var machine = new LinkedHashMap<String, String>();
    machine.put("processor", "Example Processor 9000 at 2.60 GHz");
    machine.put("cores", "2");
    machine.put("caches", "L1 data 48K, L1 instruction 32K, L2 2048K, L3 107520K");
    machine.put("memory", "16 GB");
    machine.put("instruction set", "x86-64-v4 (AVX-512)");
    machine.put("JDK", "25.0.1, Temurin");
    machine.put("compiler", "gcc 12.2.0");
    var versions = IMPLEMENTATIONS.stream()
        .map(Implementation::name)
        .filter(name -> !name.equals("pytorch-jvm"))
        .collect(Collectors.toMap(name -> name, name -> name + " 1.2.3", (one, other) -> one, LinkedHashMap::new));
    return new RunInfo(
        "./norma bench",
        "0123456789ab",
        "2026-01-31T12:00:00Z",
        machine,
        IMPLEMENTATIONS,
        versions,
        List.of("The run was interrupted: what follows is what was measured until then."),
        ROUNDS,
        200_000_000L);
  }

  /** All cases of all implementations, but a missing peer, one that fails, one that is wrong, and one without f64. */
  static List<Row> rows() {
    var random = new Random(1);
    var rows = new ArrayList<Row>();
    rows.add(new Row("pytorch-jvm", "Java", "", Optional.empty(), OptionalInt.empty(), OptionalDouble.empty(),
        OptionalDouble.empty(), Optional.empty(), OptionalDouble.empty(), "missing: no libtorch.so.2 on this machine"));
    for (var implementation : IMPLEMENTATIONS) {
      if (!implementation.name().equals("pytorch-jvm")) {
        cases(implementation).forEach(one -> addRows(rows, implementation, one, random));
      }
    }
    return rows;
  }

  private static Stream<Case> cases(Implementation implementation) {
    var cases = new ArrayList<Case>();
    for (var set : List.of("resnet50", "dense", "small", "large")) {
      for (var text : SHAPES.get(set)) {
        var fields = text.split(" ");
        var shape = new Shape(
            set, fields[0], Long.parseLong(fields[1]), Long.parseLong(fields[2]), Long.parseLong(fields[3]),
            Integer.parseInt(fields[4]));
        for (var pass : Pass.values()) {
          for (var type : TYPES) {
            for (var layout : implementation.layouts()) {
              for (int threads : THREADS) {
                cases.add(new Case(Operation.BATCH_NORM, pass, type, layout, shape, threads));
              }
            }
          }
        }
      }
    }
    return cases.stream().filter(one -> one.threads() == 1 || !implementation.singleThreaded());
  }

  private static void addRows(List<Row> rows, Implementation implementation, Case one, Random random) {
    String note = note(implementation.name(), one);
    if (!note.isEmpty()) {
      rows.add(new Row(implementation.name(), implementation.language(), implementation.name() + " 1.2.3",
          Optional.of(one), OptionalInt.empty(), OptionalDouble.empty(), OptionalDouble.empty(),
          note.startsWith("wrong") ? Optional.of(false) : Optional.empty(), OptionalDouble.empty(), note));
      return;
    }
    double error = 1 + 4 * random.nextDouble() * (implementation.kind() == Kind.NORMA ? 1 : 6);
    boolean isSlow = SPEEDS.get(implementation.name()).factor() > 5;
    double time = time(implementation.name(), one) * (1 + spread(implementation) * random.nextGaussian());
    for (int round = 0; round < (isSlow ? FEW_ROUNDS : ROUNDS); round++) {
      double noise = 1 + 0.02 * Math.abs(random.nextGaussian()) + (random.nextInt(12) == 0 ? 0.3 : 0);
      rows.add(new Row(implementation.name(), implementation.language(), implementation.name() + " 1.2.3",
          Optional.of(one), OptionalInt.of(round), OptionalDouble.of(time * noise),
          implementation.language().equals("Java") ? OptionalDouble.of(24) : OptionalDouble.empty(),
          Optional.of(true), OptionalDouble.of(error), ""));
    }
  }

  /** How much shapes differ; the calls of Norma from Java run the same kernels as that from C. */
  private static double spread(Implementation implementation) {
    return implementation.kind() == Kind.NORMA ? 0.005 : 0.05;
  }

  private static String note(String name, Case one) {
    if (name.equals("onednn") && one.type().equals("f64")) {
      return "unsupported: f64";
    }
    if (name.equals("numpy") && one.shape().set().equals("large")) {
      return "failed: MemoryError: Unable to allocate 1.53 GiB for an array";
    }
    if (name.equals("java-vector") && one.shape().name().equals("64x112x112") && one.layout().equals("nhwc")) {
      return HOSTILE;
    }
    return "";
  }

  /** The traffic at the speed of the cache that holds the tensors, or of the memory. */
  private static double time(String name, Case one) {
    var speed = SPEEDS.get(name);
    long bytes = one.traffic();
    double bandwidth = bytes < 1_000_000 ? 70 : bytes < 50_000_000 ? 30 : 11;
    double teams = one.threads() == 1 || bytes < 100_000 ? 1 : 1.75;
    double call = speed.call() * (one.threads() == 1 ? 1 : 2);
    double layout = switch (one.layout()) {
      case "nhwc" -> name.equals("pytorch") ? 1.3 : 1;
      case "nChw16c" -> 0.85;
      default -> 1;
    };
    return call + bytes / bandwidth / teams * speed.factor() * layout;
  }
}
