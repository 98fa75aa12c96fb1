package dev.norma;

import static java.lang.foreign.MemorySegment.NULL;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.function.LongToDoubleFunction;
import java.util.function.LongUnaryOperator;
import java.util.stream.LongStream;

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
  /** Which slice an element belongs to, which of its values it is, and which parameters it has. */
  final LongUnaryOperator sliceOf;

  final LongUnaryOperator placeOf;
  final LongUnaryOperator parameterOf;
  final boolean hasMean;
  final boolean hasBeta;
  final boolean hasVariance;
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
  MemorySegment variance;
  MemorySegment invStd;

  private SliceProblem(boolean rms, LayerNormDescriptor norm) {
    name = (rms ? "RMS " : "layer ") + norm;
    type = norm.dataType();
    epsilon = norm.epsilon();
    elements = norm.rows() * norm.length();
    slices = norm.rows();
    parameters = norm.length();
    sliceOf = i -> i / norm.length();
    placeOf = i -> i % norm.length();
    parameterOf = placeOf;
    hasMean = !rms;
    hasBeta = !rms;
    hasVariance = false;
    workspaceBytes = Kernels.nativeKernels().workspaceSize(norm);
    if (rms) {
      forward = (p, k, w) -> k.rmsNormForward(norm, p.x, p.gamma, p.y, p.invStd, w);
      backward = (p, k, w) -> k.rmsNormBackward(norm, p.x, p.dy, p.gamma, p.invStd, p.dx, p.dgamma, w);
    } else {
      forward = (p, k, w) -> k.layerNormForward(norm, p.x, p.gamma, p.beta, p.y, p.mean, p.invStd, w);
      backward =
          (p, k, w) -> k.layerNormBackward(norm, p.x, p.dy, p.gamma, p.mean, p.invStd, p.dx, p.dgamma, p.dbeta, w);
    }
    allocate();
  }

  SliceProblem(GroupNormDescriptor norm) {
    name = norm.toString();
    type = norm.dataType();
    epsilon = norm.epsilon();
    var s = norm.spatial();
    var c = norm.channels();
    var ofGroup = c / norm.groups();
    var first = norm.layout() == Layout.CHANNELS_FIRST;
    elements = norm.batch() * c * s;
    slices = norm.batch() * norm.groups();
    parameters = c;
    parameterOf = i -> first ? i / s % c : i % c;
    sliceOf = i -> i / (c * s) * norm.groups() + parameterOf.applyAsLong(i) / ofGroup;
    placeOf = i -> parameterOf.applyAsLong(i) % ofGroup * s + (first ? i % s : i / c % s);
    hasMean = true;
    hasBeta = true;
    hasVariance = true;
    workspaceBytes = Kernels.nativeKernels().workspaceSize(norm);
    forward = (p, k, w) -> k.groupNormForward(norm, p.x, p.gamma, p.beta, p.y, p.mean, p.variance, p.invStd, w);
    backward =
        (p, k, w) -> k.groupNormBackward(norm, p.x, p.dy, p.gamma, p.mean, p.invStd, p.dx, p.dgamma, p.dbeta, w);
    allocate();
  }

  /** The normalizations of slices. */
  enum Kind {
    LAYER {
      @Override
      SliceProblem of(long slices, long length, double epsilon, DataType type, int threads) {
        return new SliceProblem(false, new LayerNormDescriptor(slices, length, epsilon, type, threads));
      }
    },
    RMS {
      @Override
      SliceProblem of(long slices, long length, double epsilon, DataType type, int threads) {
        return new SliceProblem(true, new LayerNormDescriptor(slices, length, epsilon, type, threads));
      }
    },
    GROUP_CHANNELS_FIRST {
      @Override
      SliceProblem of(long slices, long length, double epsilon, DataType type, int threads) {
        return groups(slices, length, 4, epsilon, type, Layout.CHANNELS_FIRST, threads);
      }
    },
    GROUP_CHANNELS_LAST {
      @Override
      SliceProblem of(long slices, long length, double epsilon, DataType type, int threads) {
        return groups(slices, length, 4, epsilon, type, Layout.CHANNELS_LAST, threads);
      }
    },
    INSTANCE_CHANNELS_FIRST {
      @Override
      SliceProblem of(long slices, long length, double epsilon, DataType type, int threads) {
        return groups(slices, length, 1, epsilon, type, Layout.CHANNELS_FIRST, threads);
      }
    },
    INSTANCE_CHANNELS_LAST {
      @Override
      SliceProblem of(long slices, long length, double epsilon, DataType type, int threads) {
        return groups(slices, length, 1, epsilon, type, Layout.CHANNELS_LAST, threads);
      }
    };

    /** Of so many slices with so many values. */
    abstract SliceProblem of(long slices, long length, double epsilon, DataType type, int threads);

    SliceProblem of(long slices, long length, double epsilon, DataType type) {
      return of(slices, length, epsilon, type, 0);
    }

    /** Slices as groups of one image or of several, with up to so many channels. */
    private static SliceProblem groups(
        long slices, long length, long mostChannels, double epsilon, DataType type, Layout layout, int threads) {
      var groups = largestDivisor(slices, 6);
      var channels = largestDivisor(length, mostChannels);
      return new SliceProblem(
          new GroupNormDescriptor(
              slices / groups, groups * channels, length / channels, groups, epsilon, type, layout, threads));
    }

    private static long largestDivisor(long number, long most) {
      return LongStream.rangeClosed(1, most).filter(divisor -> number % divisor == 0).max().orElseThrow();
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
    variance = hasVariance ? statistics() : NULL;
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
      bytes(y), bytes(dx), bytes(dgamma), bytes(dbeta), bytes(mean), bytes(variance), bytes(invStd)
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
