package dev.norma.djl;

import ai.djl.ndarray.NDManager;
import ai.djl.pytorch.engine.PtNDArray;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;

/** Runs passes of blocks. Each reads its input and writes its output where the engine keeps them. */
final class Passes {
  /** For a workspace. */
  static final MemorySegment ALLOCATED_BY_KERNELS = MemorySegment.NULL;

  private Passes() {}

  /** Runs a pass, with its gradients where there is a tape. */
  static PtNDArray run(Pass pass, PtNDArray x, List<ParameterValue> affine, Optional<Tape> tape) {
    return tape.isPresent() ? recorded(pass, x, affine, tape.get()) : plain(pass, x);
  }

  private static PtNDArray recorded(Pass pass, PtNDArray x, List<ParameterValue> affine, Tape tape) {
    SavedInput saved = tape.save(x);
    PtNDArray y = like(x);
    pass.forward(saved.memory(), ArrayMemory.own(y));
    return tape.record(saved, affine, y, pass);
  }

  private static PtNDArray plain(Pass pass, PtNDArray x) {
    try (NDManager scratch = x.getManager().newSubManager()) {
      PtNDArray view = x.reshape(x.getShape());
      view.attach(scratch);
      PtNDArray y = like(x);
      pass.forward(ArrayMemory.values(view), ArrayMemory.own(y));
      return y;
    }
  }

  private static PtNDArray like(PtNDArray x) {
    return x.getManager().create(x.getShape(), x.getDataType());
  }
}
