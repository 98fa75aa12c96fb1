package dev.norma;

import static java.lang.foreign.MemorySegment.NULL;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.function.LongToDoubleFunction;
import java.util.function.LongUnaryOperator;

/** The inputs and outputs of a normalization of slices that are normalized by themselves, such as rows. */
final class SliceProblem implements AutoCloseable {
  /** One of the operations, by the arrays of the problem. */
  interface Operation {
    void run(SliceProblem problem, Kernels kernels, MemorySegment workspace);
  }

  final Arena arena = Arena.ofConfined();
  final String name;
  final DataType type;
  final double epsilon;
  final long elements;
  final long slices;
  final long parameters;
  /** Which slice and which parameters an element belongs to. */
  final LongUnaryOperator sliceOf;

  final LongUnaryOperator parameterOf;
  final boolean hasMean;
  final boolean hasBeta;
  private final Operation forward;
  private final Operation backward;
  private final long workspaceBytes;

  MemorySegment x;
  MemorySegment dy;
  MemorySegment gamma;
  MemorySegment beta;
  MemorySegment y;
  MemorySegment dx;
  MemorySegment dgamma;
  MemorySegment dbeta;
  MemorySegment mean;
  MemorySegment invStd;

  private SliceProblem(Kind kind, LayerNormDescriptor norm) {
    name = kind + " " + norm;
    type = norm.dataType();
    epsilon = norm.epsilon();
    elements = norm.rows() * norm.length();
    slices = norm.rows();
    parameters = norm.length();
    sliceOf = i -> i / norm.length();
    parameterOf = i -> i % norm.length();
    hasMean = kind == Kind.LAYER;
    hasBeta = kind == Kind.LAYER;
    workspaceBytes = Kernels.nativeKernels().workspaceSize(norm);
    if (kind == Kind.LAYER) {
      forward = (p, k, w) -> k.layerNormForward(norm, p.x, p.gamma, p.beta, p.y, p.mean, p.invStd, w);
      backward =
          (p, k, w) -> k.layerNormBackward(norm, p.x, p.dy, p.gamma, p.mean, p.invStd, p.dx, p.dgamma, p.dbeta, w);
    } else {
      forward = (p, k, w) -> k.rmsNormForward(norm, p.x, p.gamma, p.y, p.invStd, w);
      backward = (p, k, w) -> k.rmsNormBackward(norm, p.x, p.dy, p.gamma, p.invStd, p.dx, p.dgamma, w);
    }
    allocate();
  }

  /** The normalizations of slices. */
  enum Kind {
    LAYER,
    RMS;

    SliceProblem of(long rows, long length, double epsilon, DataType type) {
      return of(rows, length, epsilon, type, 0);
    }

    SliceProblem of(long rows, long length, double epsilon, DataType type, int threads) {
      return new SliceProblem(this, new LayerNormDescriptor(rows, length, epsilon, type, threads));
    }

    /** The operation that goes forward. */
    String forward() {
      return this == LAYER ? "layerNormForward" : "rmsNormForward";
    }

    String backward() {
      return this == LAYER ? "layerNormBackward" : "rmsNormBackward";
    }

    String invStd() {
      return this == LAYER ? "invStd" : "invRms";
    }
  }

  private void allocate() {
    x = tensor();
    dy = tensor();
    y = tensor();
    dx = tensor();
    gamma = parameters();
    beta = hasBeta ? parameters() : NULL;
    dgamma = parameters();
    dbeta = hasBeta ? parameters() : NULL;
    mean = hasMean ? statistics() : NULL;
    invStd = statistics();
  }

  MemorySegment tensor() {
    return arena.allocate(elements * type.bytes(), Double.BYTES);
  }

  private MemorySegment parameters() {
    return arena.allocate(parameters * type.parameterType().bytes(), Double.BYTES);
  }

  private MemorySegment statistics() {
    return arena.allocate(slices * Double.BYTES, Double.BYTES);
  }

  /** Values about a mean, gradients about 0.1, gamma and beta in -1.5 to 1.5. */
  SliceProblem fill(double mean, double deviation) {
    var random = Problem.generator(31 * elements + slices);
    fillTensor(x, i -> mean + deviation * random.nextGaussian());
    fillTensor(dy, i -> 0.1 + random.nextGaussian());
    fillParameters(gamma, i -> random.nextDouble(-1.5, 1.5));
    fillParameters(beta, i -> random.nextDouble(-1.5, 1.5));
    return this;
  }

  void fillTensor(MemorySegment tensor, LongToDoubleFunction values) {
    for (var i = 0L; i < elements; i++) {
      type.set(tensor, i, values.applyAsDouble(i));
    }
  }

  void fillParameters(MemorySegment array, LongToDoubleFunction values) {
    for (var i = 0L; i < parameters && array.address() != 0; i++) {
      type.parameterType().set(array, i, values.applyAsDouble(i));
    }
  }

  void forward(Kernels kernels) {
    forward.run(this, kernels, workspace(kernels));
  }

  void backward(Kernels kernels) {
    backward.run(this, kernels, workspace(kernels));
  }

  /** Both. */
  SliceProblem run(Kernels kernels) {
    forward(kernels);
    backward(kernels);
    return this;
  }

  private MemorySegment workspace(Kernels kernels) {
    return kernels == Kernels.reference() || workspaceBytes == 0
        ? NULL
        : arena.allocate(workspaceBytes, Double.BYTES);
  }

  double parameter(MemorySegment array, long element, double missing) {
    return array.address() == 0 ? missing : type.parameterType().get(array, parameterOf.applyAsLong(element));
  }

  double value(MemorySegment tensor, long i) {
    return type.get(tensor, i);
  }

  /** The arrays that the operations write, one after the other, as bytes. */
  byte[][] outputs() {
    return new byte[][] {
      bytes(y), bytes(dx), bytes(dgamma), bytes(dbeta), bytes(mean), bytes(invStd)
    };
  }

  private static byte[] bytes(MemorySegment segment) {
    return segment.toArray(JAVA_BYTE);
  }

  @Override
  public void close() {
    arena.close();
  }

  @Override
  public String toString() {
    return name;
  }
}
