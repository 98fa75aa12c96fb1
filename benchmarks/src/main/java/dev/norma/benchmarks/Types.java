package dev.norma.benchmarks;

import dev.norma.DataType;
import java.util.List;

/** The types of tensors, by the names that protocol, results and report use. */
public final class Types {
  /** All of them. */
  public static final List<String> ALL = List.of("f32", "f64", "bf16", "f16");

  private Types() {}

  /**
   * The type of a tensor's elements.
   *
   * @param type one of {@link #ALL}
   * @return Norma's constant
   * @throws IllegalArgumentException if there is none
   */
  public static DataType of(String type) {
    return switch (type) {
      case "f32" -> DataType.FLOAT32;
      case "f64" -> DataType.FLOAT64;
      case "bf16" -> DataType.BFLOAT16;
      case "f16" -> DataType.FLOAT16;
      default -> throw new IllegalArgumentException("'" + type + "' is no type");
    };
  }
}
