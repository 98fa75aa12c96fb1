package dev.norma.djl;

import ai.djl.pytorch.engine.PtNDArray;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/** A parameter of a block as one pass uses it: its values, and the array's own memory that holds them. */
record ParameterValue(PtNDArray array, MemorySegment memory) {
  static ParameterValue of(PtNDArray array) {
    return new ParameterValue(array, ArrayMemory.own(array));
  }

  boolean wantsGradient() {
    return array.hasGradient();
  }

  /** The values as they are now: copied where a backward pass will need them, for they may change before it. */
  MemorySegment kept(Optional<Tape> tape) {
    return tape.map(open -> open.copy(this)).orElse(memory);
  }
}
