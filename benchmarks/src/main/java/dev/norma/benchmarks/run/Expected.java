package dev.norma.benchmarks.run;

import static java.lang.foreign.MemorySegment.NULL;

import dev.norma.DataType;
import dev.norma.Kernels;
import dev.norma.Layout;
import dev.norma.Tensor;
import dev.norma.benchmarks.Pass;
import java.lang.foreign.Arena;
import java.util.List;
import java.util.function.LongToDoubleFunction;

/** What a pass has to compute: by Norma's reference, in double. */
final class Expected implements AutoCloseable {
  /**
   * One output.
   *
   * @param name of its file
   * @param like a tensor of its type, layout and extents
   * @param value of each element
   * @param bounds on what differs from it
   */
  record Output(String name, Tensor like, LongToDoubleFunction value, Bounds bounds) {
    Output(String name, Tensor tensor, Bounds bounds) {
      this(name, tensor, tensor::get, bounds);
    }
  }

  private final Arena arena = Arena.ofShared();
  private final Inputs in;
  private final List<Output> outputs;
  private final List<Output> ofLimit;

  Expected(Pass pass, Inputs in, ChannelSums sums) {
    this.in = in;
    var roundings = new Roundings(in.x.dataType(), in.norm().valuesPerChannel(), sums);
    outputs = switch (pass) {
      case FORWARD_TRAINING -> training(roundings);
      case FORWARD_INFERENCE -> inference(roundings);
      case BACKWARD_TRAINING -> gradients(roundings);
    };
    ofLimit = pass == Pass.BACKWARD_TRAINING ? sum() : List.of(new Output("y", in.x, Bounds.EXACT));
  }

  /** The outputs of an implementation. */
  List<Output> outputs() {
    return outputs;
  }

  /** The outputs of a limit: x copied to y, or dx = x + dy. */
  List<Output> ofLimit() {
    return ofLimit;
  }

  private List<Output> training(Roundings roundings) {
    var y = like(in.x);
    Kernels.reference().forwardTraining(in.norm(), in.x.segment(), in.gamma.segment(), in.beta.segment(), y.segment(),
        statistics().segment(), statistics().segment(), NULL);
    return List.of(new Output("y", y, OutputBounds.ofTraining(in, roundings)));
  }

  private List<Output> inference(Roundings roundings) {
    var y = like(in.x);
    Kernels.reference().forwardInference(in.norm(), in.x.segment(), in.gamma.segment(), in.beta.segment(),
        in.runningMean.segment(), in.runningVar.segment(), y.segment(), NULL);
    return List.of(new Output("y", y, OutputBounds.ofInference(in, roundings)));
  }

  private List<Output> gradients(Roundings roundings) {
    var mean = statistics().copyFrom(roundings.sums().mean);
    var variance = statistics().copyFrom(roundings.sums().variance);
    var dx = like(in.x);
    var dgamma = like(in.gamma);
    var dbeta = like(in.gamma);
    Kernels.reference().backwardTraining(in.norm(), in.x.segment(), in.dy.segment(), in.gamma.segment(),
        mean.segment(), variance.segment(), dx.segment(), dgamma.segment(), dbeta.segment(), NULL);
    var bounds = new GradientBounds(in, roundings, dgamma, dbeta);
    return List.of(
        new Output("dx", dx, bounds.ofX()),
        new Output("dgamma", dgamma, bounds.ofGamma()),
        new Output("dbeta", dbeta, bounds.ofBeta()));
  }

  private List<Output> sum() {
    LongToDoubleFunction sum = in.x.dataType() == DataType.FLOAT32
        ? i -> (float) (in.x.get(i) + in.dy.get(i))
        : i -> in.x.get(i) + in.dy.get(i);
    return List.of(new Output("dx", in.x, sum, Bounds.EXACT));
  }

  private Tensor like(Tensor tensor) {
    return Tensor.allocate(arena, tensor.dataType(), tensor.layout(), tensor.extents());
  }

  private Tensor statistics() {
    return Tensor.allocate(arena, DataType.FLOAT64, Layout.CHANNELS_FIRST, 1, in.x.channels());
  }

  @Override
  public void close() {
    arena.close();
  }
}
