package dev.norma.cli;

import dev.norma.DataType;

/** How data types are called on the command line. */
final class ShortName {
  private ShortName() {}

  static String of(DataType type) {
    return switch (type) {
      case FLOAT32 -> "f32";
      case FLOAT64 -> "f64";
      case BFLOAT16 -> "bf16";
      case FLOAT16 -> "f16";
    };
  }
}
