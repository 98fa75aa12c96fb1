package dev.norma.benchmarks.jmh;

import dev.norma.DataType;
import dev.norma.benchmarks.Case;
import dev.norma.benchmarks.Operation;
import dev.norma.benchmarks.Pass;
import dev.norma.benchmarks.Shape;
import dev.norma.benchmarks.Types;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.BoolPointer;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.pytorch.InferenceMode;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.T_TensorTensorTensor_T;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * PyTorch's C++ library in the JVM, through JavaCPP: the functions that its layers end in, called directly. The forward
 * passes write into one y. The backward pass has no such form that does not copy, so its results are new with every
 * call; the last ones are freed before it, so that the allocator gives out their memory again. The residual is added
 * and ReLU taken in place.
 */
public class PyTorchJvm extends BatchNormBenchmark {
  static {
    // Or JavaCPP collects garbage when it finds the process large.
    System.setProperty("org.bytedeco.javacpp.maxBytes", "0");
    System.setProperty("org.bytedeco.javacpp.maxPhysicalBytes", "0");
  }

  private final Arena arena = Arena.ofConfined();
  private final List<Pointer> owned = new ArrayList<>();
  private Operation operation;
  private ScalarType type;
  private ScalarType parameterType;
  private long[] sizes;
  private long[] strides;
  private Tensor x;
  private Tensor y;
  private Tensor dy;
  private Tensor residual;
  /** What comes of dy through ReLU, which is dresidual too. */
  private Tensor passed;
  private Scalar zero;
  private TensorOptional gamma;
  private TensorOptional beta;
  private TensorOptional runningMean;
  private TensorOptional runningVar;
  private Tensor mean;
  private Tensor invStd;
  private TensorOptional savedMean;
  private TensorOptional savedInvStd;
  private BoolPointer all;
  private T_TensorTensorTensor_T gradients;

  @Override
  protected String version() {
    torch.get_num_threads(); // Loads the libraries.
    try {
      // The version of PyTorch, and that of JavaCPP after a dash.
      return "PyTorch " + Loader.getVersion("org.bytedeco", "pytorch").replaceFirst("-.*", "");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  protected void prepare(Case measured, Inputs inputs) {
    requireBatch(measured);
    own(new InferenceMode()); // Until it is closed nothing records what autograd would need.
    torch.set_num_threads(measured.threads());
    operation = measured.operation();
    type = of(Types.of(measured.type()));
    parameterType = of(Types.of(measured.type()).parameterType());
    setExtents(measured.shape(), isChannelsLast(measured));
    x = tensor(inputs.load("x", arena));
    y = tensor(arena.allocate(measured.tensorBytes(), Inputs.ALIGNMENT));
    gamma = optional(parameters(inputs.load("gamma", arena)));
    beta = optional(parameters(inputs.load("beta", arena)));
    runningMean = optional(parameters(inputs.load("running_mean", arena)));
    runningVar = optional(parameters(inputs.load("running_var", arena)));
    mean = parameters(arena.allocate(sizes[1] * torch.elementSize(parameterType), Inputs.ALIGNMENT));
    invStd = parameters(arena.allocate(sizes[1] * torch.elementSize(parameterType), Inputs.ALIGNMENT));
    if (operation.hasResidual()) {
      residual = tensor(inputs.load("residual", arena));
    }
    if (measured.pass() == Pass.BACKWARD_TRAINING) {
      dy = tensor(inputs.load("dy", arena));
      passed = operation.hasRelu() ? tensor(arena.allocate(measured.tensorBytes(), Inputs.ALIGNMENT)) : dy;
      zero = own(new Scalar(0.0));
      savedMean = optional(mean);
      savedInvStd = optional(invStd);
      all = own(new BoolPointer(3).put(0, true).put(1, true).put(2, true));
      forward();
      backward();
    }
  }

  private static ScalarType of(DataType type) {
    return switch (type) {
      case FLOAT32 -> ScalarType.Float;
      case FLOAT64 -> ScalarType.Double;
      case BFLOAT16 -> ScalarType.BFloat16;
      case FLOAT16 -> ScalarType.Half;
    };
  }

  /** A dense layer has 2 extents; with more, PyTorch tells the layouts apart only where there are 4. */
  private void setExtents(Shape shape, boolean channelsLast) {
    var channels = shape.channels();
    var spatial = shape.spatial();
    sizes = new long[] {shape.batch(), channels, spatial, 1};
    strides = channelsLast
        ? new long[] {channels * spatial, 1, channels, channels}
        : new long[] {channels * spatial, spatial, 1, 1};
    if (spatial == 1) {
      sizes = new long[] {shape.batch(), channels};
      strides = new long[] {channels, 1};
    }
  }

  private Tensor tensor(MemorySegment memory) {
    return tensor(memory, type, sizes, strides);
  }

  private Tensor parameters(MemorySegment memory) {
    return tensor(memory, parameterType, new long[] {sizes[1]}, new long[] {1});
  }

  /** A view of the memory. */
  private Tensor tensor(MemorySegment memory, ScalarType type, long[] sizes, long[] strides) {
    try (var pointer = new Pointer(memory.asByteBuffer()); var options = new TensorOptions(type)) {
      return own(torch.from_blob(pointer, sizes, strides, options));
    }
  }

  private TensorOptional optional(Tensor tensor) {
    return own(new TensorOptional(tensor));
  }

  private <P extends Pointer> P own(P pointer) {
    owned.add(pointer);
    return pointer;
  }

  @Override
  protected void forward() {
    normalize(true);
  }

  @Override
  protected void infer() {
    normalize(false);
  }

  private void normalize(boolean training) {
    torch.native_batch_norm_out(
        y, mean, invStd, x, gamma, beta, runningMean, runningVar, training, UPDATE_WEIGHT, EPSILON).close();
    if (operation.hasResidual()) {
      y.add_(residual); // Returns y: not to be closed.
    }
    if (operation.hasRelu()) {
      torch.relu_(y);
    }
  }

  @Override
  protected void backward() {
    if (gradients != null) {
      gradients.close();
    }
    if (operation.hasRelu()) {
      torch.threshold_backward_out(passed, dy, y, zero);
    }
    gradients = torch.native_batch_norm_backward(
        passed, x, gamma, runningMean, runningVar, savedMean, savedInvStd, true, EPSILON, all);
  }

  @Override
  protected MemorySegment output(String name) {
    return switch (name) {
      case "y" -> memory(y);
      case "dx" -> memory(gradients.get0());
      case "dresidual" -> memory(passed);
      case "dgamma" -> memory(gradients.get1());
      case "dbeta" -> memory(gradients.get2());
      default -> throw new IllegalArgumentException("no output " + name);
    };
  }

  private static MemorySegment memory(Tensor tensor) {
    return MemorySegment.ofAddress(tensor.data_ptr().address()).reinterpret(tensor.nbytes());
  }

  @Override
  protected void release() {
    if (gradients != null) {
      gradients.close();
    }
    owned.reversed().forEach(Pointer::close);
    arena.close();
  }
}
