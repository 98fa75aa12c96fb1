package dev.norma.cli;

import dev.norma.DataType;
import dev.norma.Kernels;
import dev.norma.MismatchException;
import dev.norma.Tensor;
import java.lang.foreign.Arena;
import java.util.function.Consumer;

/**
 * Runs operations on the inputs of one case twice, by checked kernels and by the reference, and enters the errors in a
 * table.
 *
 * @param checkCase the case
 * @param arena of the outputs
 * @param checked kernels that compare with the reference and throw where they differ by too much
 * @param table takes the errors
 */
record Comparison(CheckCase checkCase, Arena arena, Kernels checked, ErrorTable table) {
  void compare(String operation, Consumer<Kernels> call, CheckedOutput... outputs) {
    try {
      call.accept(checked);
    } catch (MismatchException e) {
      table.mismatch(checkCase, e.getMessage());
    }
    call.accept(Kernels.reference());
    for (var output : outputs) {
      table.add(operation, output, checkCase);
    }
  }

  /** An output of the form of {@code like}, an input of the case. */
  CheckedOutput tensor(String name, Tensor like, CheckedOutput.Scale scale) {
    return CheckedOutput.like(name, like, arena, checkCase.type(), scale);
  }

  CheckedOutput parameters(String name, Tensor before, CheckedOutput.Scale scale) {
    return CheckedOutput.like(name, before, arena, checkCase.type().parameterType(), scale);
  }

  /** Statistics are double, but are no better than the type that they were added up in. */
  CheckedOutput statistics(String name, long length, CheckedOutput.Scale scale) {
    var like = CheckInputs.array(arena, DataType.FLOAT64, length);
    return CheckedOutput.like(name, like, arena, checkCase.type().parameterType(), scale);
  }
}
