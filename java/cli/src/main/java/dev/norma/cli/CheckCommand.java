package dev.norma.cli;

import dev.norma.DataType;
import dev.norma.Kernels;
import dev.norma.Layout;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/** {@code norma check}. */
@Command(
    name = "check",
    description = {
      "Compare every operation of the native kernels with the reference in Java, on many shapes or on one.",
      "",
      "Every combination of shape, layout and type is run on normal numbers, on numbers with mean 1e4 and 1e7, on "
          + "constant channels, and on very large and very small numbers. Layer and RMS normalization take whole "
          + "samples as rows where channels come first, and the channels of each position where they come last; group "
          + "normalization takes up to 8 groups. Exit code 1 if a result differs from the reference by more than "
          + "rounding can explain.",
      ""
    },
    sortOptions = false)
final class CheckCommand implements Callable<Integer> {
  private static final List<String> GRID = List.of(
      "2x1", "64x16", "33x130", "7x1x1", "1x3x35", "4x1x9x9", "8x5x17", "2x19x7x7", "3x64x14x14", "2x17x3x5x4",
      "1x2x113x113", "130x3x2");

  private static final List<String> EXPLANATION = List.of(
      "Errors are in ULP: units in the last place of the tensor's type (of double for merges and averages; of",
      "float for parameters and statistics that belong to tensors of 16 bits) at the size of the largest number",
      "that the formula adds up. For y that is max(|y|, |y - beta|, |beta|), in training also |gamma|, with ReLU",
      "also the residual; for dx the largest of its three terms; for sums the sum of their terms' absolute values;",
      "for variances, inverse deviations and folded weights the value itself.");

  @Option(names = "--shape", paramLabel = "NxCx...", converter = ExtentsConverter.class,
      description = "Only this shape: batch, channels, then up to three spatial extents, whatever the layout, "
          + "for example 32x64x56x56. Default: a grid of shapes.")
  private Optional<Extents> shape = Optional.empty();

  @Option(names = "--layout", paramLabel = "LAYOUT", converter = LayoutConverter.class,
      description = "Only this order in memory: nchw (channels first) or nhwc (channels last). Default: both.")
  private Optional<Layout> layout = Optional.empty();

  @Option(names = "--type", paramLabel = "TYPE", converter = TypeConverter.class,
      description = "Only this type: f32, f64, bf16 or f16. Default: all.")
  private Optional<DataType> type = Optional.empty();

  @Option(names = "--seed", paramLabel = "N", defaultValue = "1",
      description = "Decides the random numbers. Default: ${DEFAULT-VALUE}.")
  private long seed;

  @Spec
  private CommandSpec spec;

  private final Supplier<Kernels> checked;

  CheckCommand() {
    this(Kernels::checked);
  }

  /** With kernels of another make, which throw a {@link dev.norma.MismatchException} where they are wrong. */
  CheckCommand(Supplier<Kernels> checked) {
    this.checked = checked;
  }

  @Override
  public Integer call() {
    InstructionSet.require();
    var table = new ErrorTable();
    var cases = cases();
    runAll(cases, table);
    var out = spec.commandLine().getOut();
    table.lines().forEach(out::println);
    out.println();
    EXPLANATION.forEach(out::println);
    out.println();
    out.printf("%,d values compared in %,d cases: %s%n", table.comparisons(), cases.size(),
        table.mismatches().isEmpty() ? "no mismatch." : table.mismatches().size() + " mismatches.");
    out.flush();
    table.mismatches().forEach(spec.commandLine().getErr()::println);
    return table.mismatches().isEmpty() ? Main.SUCCESS : Main.FAILURE;
  }

  private void runAll(List<CheckCase> cases, ErrorTable table) {
    try (var bar = ErrorStream.isTerminal() ? ErrorStream.bar("check", cases.size()) : null) {
      for (var checkCase : cases) {
        CaseCheck.run(checkCase, seed, checked.get(), table);
        if (bar != null) {
          bar.step();
        }
      }
    }
  }

  private List<CheckCase> cases() {
    var shapes = shape.map(List::of).orElseGet(() -> GRID.stream().map(Extents::parse).toList());
    var layouts = layout.map(List::of).orElse(List.of(Layout.values()));
    var types = type.map(List::of).orElse(List.of(DataType.values()));
    var cases = new ArrayList<CheckCase>();
    for (var oneShape : shapes) {
      for (var oneLayout : layouts) {
        for (var oneType : types) {
          Stream.of(CheckData.values())
              .filter(data -> data.fits(oneType))
              .map(data -> new CheckCase(oneShape, oneLayout, oneType, data))
              .forEach(cases::add);
        }
      }
    }
    return cases;
  }

  /** Reads a shape. */
  static final class ExtentsConverter implements ITypeConverter<Extents> {
    @Override
    public Extents convert(String text) {
      try {
        return Extents.parse(text);
      } catch (IllegalArgumentException e) {
        throw new TypeConversionException(e.getMessage());
      }
    }
  }

  /** Reads a layout by the usual names of its tensors. */
  static final class LayoutConverter implements ITypeConverter<Layout> {
    @Override
    public Layout convert(String text) {
      return switch (text.toLowerCase(Locale.ROOT)) {
        case "nchw" -> Layout.CHANNELS_FIRST;
        case "nhwc" -> Layout.CHANNELS_LAST;
        default -> throw new TypeConversionException("'" + text + "' is neither nchw nor nhwc");
      };
    }
  }

  /** Reads a data type by its short name. */
  static final class TypeConverter implements ITypeConverter<DataType> {
    @Override
    public DataType convert(String text) {
      return Stream.of(DataType.values())
          .filter(type -> ShortName.of(type).equals(text.toLowerCase(Locale.ROOT)))
          .findFirst()
          .orElseThrow(() -> new TypeConversionException("'" + text + "' is none of f32, f64, bf16, f16"));
    }
  }
}
