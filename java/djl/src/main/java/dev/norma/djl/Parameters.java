package dev.norma.djl;

import ai.djl.pytorch.engine.PtNDArray;
import java.lang.foreign.MemorySegment;

/** The parameters of a block as one pass uses them. */
record Parameters(Value gamma, Value beta, Value runningMean, Value runningVar) {

  /** One parameter: C values, and the array's own memory that holds them. */
  record Value(PtNDArray array, MemorySegment memory) {
    static Value of(PtNDArray array) {
      return new Value(array, ArrayMemory.own(array));
    }

    boolean wantsGradient() {
      return array.hasGradient();
    }
  }

  /** Whether a pass has to be recorded for the sake of gamma or beta. */
  boolean wantGradient() {
    return gamma.wantsGradient() || beta.wantsGradient();
  }
}
