package dev.norma.djl;

import ai.djl.ndarray.NDManager;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.jni.JniUtils;
import dev.norma.BatchNormDescriptor;
import dev.norma.Kernels;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;

/** The forward passes of a block. Each reads its input and writes its output where the engine keeps them. */
final class Passes {
  private static final MemorySegment ALLOCATED_BY_KERNELS = MemorySegment.NULL;

  private final Settings settings;
  private final Kernels kernels;

  Passes(Settings settings) {
    this.settings = settings;
    this.kernels = settings.kernels();
  }

  /** Normalizes by the statistics of the batch and updates the running statistics. */
  PtNDArray training(PtNDArray x, Parameters parameters) {
    Tape tape =
        Tape.current()
            .orElseThrow(
                () ->
                    new IllegalStateException(
                        "a training pass needs Norma's gradient collector: train with NormaTrainer.of(model, config)"
                            + " in place of model.newTrainer(config), or open a NormaGradientCollector"));
    BatchNormDescriptor norm = Inputs.descriptor(x, parameters, settings);
    SavedInput saved = tape.save(x);
    MemorySegment gamma = tape.copy(parameters.gamma());
    MemorySegment mean = tape.statistics(norm.channels());
    MemorySegment variance = tape.statistics(norm.channels());
    PtNDArray y = like(x);
    kernels.forwardTraining(
        norm,
        saved.memory(),
        gamma,
        parameters.beta().memory(),
        ArrayMemory.own(y),
        mean,
        variance,
        ALLOCATED_BY_KERNELS);
    updateRunning(norm, mean, variance, parameters);
    return tape.record(
        saved,
        parameters,
        y,
        (dy, dx, dgamma, dbeta) ->
            kernels.backwardTraining(
                norm, saved.memory(), dy, gamma, mean, variance, dx, dgamma, dbeta, ALLOCATED_BY_KERNELS));
  }

  /** Normalizes by the running statistics. Inside a collector this has gradients, too. */
  PtNDArray inference(PtNDArray x, Parameters parameters) {
    BatchNormDescriptor norm = Inputs.descriptor(x, parameters, settings);
    Optional<Tape> tape = Tape.current();
    return tape.isPresent() ? recordedInference(norm, x, parameters, tape.get()) : plainInference(norm, x, parameters);
  }

  private PtNDArray recordedInference(BatchNormDescriptor norm, PtNDArray x, Parameters parameters, Tape tape) {
    SavedInput saved = tape.save(x);
    MemorySegment gamma = tape.copy(parameters.gamma());
    MemorySegment mean = tape.copy(parameters.runningMean());
    MemorySegment variance = tape.copy(parameters.runningVar());
    PtNDArray y = like(x);
    inference(norm, saved.memory(), parameters, y);
    return tape.record(
        saved,
        parameters,
        y,
        (dy, dx, dgamma, dbeta) ->
            kernels.backwardInference(
                norm, saved.memory(), dy, gamma, mean, variance, dx, dgamma, dbeta, ALLOCATED_BY_KERNELS));
  }

  private PtNDArray plainInference(BatchNormDescriptor norm, PtNDArray x, Parameters parameters) {
    try (NDManager scratch = x.getManager().newSubManager()) {
      PtNDArray view = x.reshape(x.getShape());
      view.attach(scratch);
      PtNDArray y = like(x);
      inference(norm, ArrayMemory.values(view), parameters, y);
      return y;
    }
  }

  private void inference(BatchNormDescriptor norm, MemorySegment x, Parameters parameters, PtNDArray y) {
    kernels.forwardInference(
        norm,
        x,
        parameters.gamma().memory(),
        parameters.beta().memory(),
        parameters.runningMean().memory(),
        parameters.runningVar().memory(),
        ArrayMemory.own(y),
        ALLOCATED_BY_KERNELS);
  }

  private void updateRunning(
      BatchNormDescriptor norm, MemorySegment mean, MemorySegment variance, Parameters parameters) {
    try (Arena arena = Arena.ofConfined()) {
      kernels.updateRunning(
          settings.rule(),
          norm.dataType(),
          norm.channels(),
          norm.valuesPerChannel(),
          mean,
          variance,
          parameters.runningMean().memory(),
          parameters.runningVar().memory(),
          arena.allocate(ValueLayout.JAVA_LONG),
          arena.allocate(ValueLayout.JAVA_LONG));
    }
  }

  private static PtNDArray like(PtNDArray x) {
    return x.getManager().create(x.getShape(), x.getDataType());
  }
}
