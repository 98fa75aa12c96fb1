package dev.norma.benchmarks.jmh;

import static java.lang.foreign.ValueLayout.JAVA_DOUBLE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.norma.benchmarks.Case;
import dev.norma.benchmarks.Pass;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** All arrays of a case, for implementations that compute on memory segments. */
final class CaseMemory {
  final MemorySegment x;
  final MemorySegment y;
  final MemorySegment gamma;
  final MemorySegment beta;
  final MemorySegment runningMean;
  final MemorySegment runningVar;
  /** Doubles, a mean of each set of values that are normalized together. */
  final MemorySegment mean;
  /** Of each set, biased. */
  final MemorySegment variance;
  /** Of each set. */
  final MemorySegment invStd;
  /** One long: batches that the running statistics took. */
  final MemorySegment batches;
  /** One long: batches that they refused. */
  final MemorySegment refused;
  /** NULL in forward passes. */
  final MemorySegment dy;
  /** NULL where the operation has none. */
  final MemorySegment residual;
  /** The memory of y, which has done its work when the backward pass begins. */
  final MemorySegment dx;
  /** NULL where the pass computes none. */
  final MemorySegment dresidual;
  final MemorySegment dgamma;
  final MemorySegment dbeta;

  /** Loads the inputs that the pass needs and makes room for all else; everything belongs to the arena. */
  CaseMemory(Case measured, Inputs inputs, Arena arena) {
    x = inputs.load("x", arena);
    y = arena.allocate(x.byteSize(), Inputs.ALIGNMENT);
    gamma = inputs.load("gamma", arena);
    beta = inputs.load("beta", arena);
    runningMean = inputs.load("running_mean", arena);
    runningVar = inputs.load("running_var", arena);
    mean = arena.allocate(JAVA_DOUBLE, measured.shape().sets());
    variance = arena.allocate(JAVA_DOUBLE, measured.shape().sets());
    invStd = arena.allocate(JAVA_DOUBLE, measured.shape().sets());
    batches = arena.allocate(JAVA_LONG);
    refused = arena.allocate(JAVA_LONG);
    dy = measured.pass() == Pass.BACKWARD_TRAINING ? inputs.load("dy", arena) : MemorySegment.NULL;
    residual = measured.operation().hasResidual() ? inputs.load("residual", arena) : MemorySegment.NULL;
    dx = y;
    dresidual = measured.outputs().contains("dresidual")
        ? arena.allocate(x.byteSize(), Inputs.ALIGNMENT)
        : MemorySegment.NULL;
    dgamma = arena.allocate(gamma.byteSize(), Inputs.ALIGNMENT);
    dbeta = arena.allocate(beta.byteSize(), Inputs.ALIGNMENT);
  }

  /** What a pass computes, by its name. */
  MemorySegment output(String name) {
    return switch (name) {
      case "y" -> y;
      case "dx" -> dx;
      case "dresidual" -> dresidual;
      case "dgamma" -> dgamma;
      case "dbeta" -> dbeta;
      default -> throw new IllegalArgumentException("no output " + name);
    };
  }
}
