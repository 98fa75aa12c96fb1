package dev.norma.benchmarks.run;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import dev.norma.Tensor;
import dev.norma.benchmarks.Pass;
import dev.norma.benchmarks.run.Expected.Output;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.function.LongToDoubleFunction;

/**
 * What a limit writes: a tensor that is alone is copied; of two that belong to one output it takes the bits that both
 * have, which costs nothing in any type, and of finite numbers is a finite number.
 */
final class LimitOutputs {
  private LimitOutputs() {}

  static List<Output> of(Pass pass, Inputs in) {
    if (pass != Pass.BACKWARD_TRAINING) {
      return List.of(in.operation().hasResidual()
          ? common("y", in.x, in.x.segment(), in.residual())
          : new Output("y", in.x, Bounds.EXACT));
    }
    var dx = common("dx", in.x, in.x.segment(), in.dy.segment());
    return in.operation().hasResidual()
        ? List.of(dx, common("dresidual", in.x, in.residual(), in.dy.segment()))
        : List.of(dx);
  }

  private static Output common(String name, Tensor like, MemorySegment one, MemorySegment other) {
    LongToDoubleFunction value = switch (like.dataType()) {
      case FLOAT32 -> i -> Float.intBitsToFloat(one.getAtIndex(JAVA_INT, i) & other.getAtIndex(JAVA_INT, i));
      case FLOAT64 -> i -> Double.longBitsToDouble(one.getAtIndex(JAVA_LONG, i) & other.getAtIndex(JAVA_LONG, i));
      case BFLOAT16 -> i -> Float.intBitsToFloat(commonShort(one, other, i) << 16);
      case FLOAT16 -> i -> Float.float16ToFloat(commonShort(one, other, i));
    };
    return new Output(name, like, value, Bounds.EXACT);
  }

  private static short commonShort(MemorySegment one, MemorySegment other, long i) {
    return (short) (one.getAtIndex(JAVA_SHORT, i) & other.getAtIndex(JAVA_SHORT, i));
  }
}
