package dev.norma.cli.train;

import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads constants by the names that they have on the command line, which their {@code toString} gives. */
abstract class NameConverter<E extends Enum<E>> implements ITypeConverter<E> {
  private final E[] constants;

  private NameConverter(E[] constants) {
    this.constants = constants;
  }

  @Override
  public E convert(String text) {
    return Stream.of(constants)
        .filter(constant -> constant.toString().equalsIgnoreCase(text))
        .findFirst()
        .orElseThrow(() -> new TypeConversionException("'%s' is none of %s".formatted(
            text, Stream.of(constants).map(Object::toString).collect(Collectors.joining(", ")))));
  }

  /** Networks. */
  static final class Networks extends NameConverter<Network> {
    Networks() {
      super(Network.values());
    }
  }

  /** Normalizations. */
  static final class Normalizations extends NameConverter<Normalization> {
    Normalizations() {
      super(Normalization.values());
    }
  }

  /** What a sweep varies. */
  static final class Sweeps extends NameConverter<Sweep> {
    Sweeps() {
      super(Sweep.values());
    }
  }
}
