package dev.norma.benchmarks.run;

import dev.norma.DataType;
import dev.norma.Kernels;
import dev.norma.Layout;
import dev.norma.Tensor;
import dev.norma.benchmarks.KernelPasses;
import dev.norma.benchmarks.Pass;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.LongToDoubleFunction;

/** What a pass has to compute, in double: batch normalization by Norma's reference, the others by their formulas. */
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
  private final KernelPasses reference;
  private final List<Output> outputs;
  private final List<Output> ofLimit;

  Expected(Pass pass, Inputs in, SetSums sums) {
    this.in = in;
    reference = new KernelPasses(Kernels.reference(), in.operation(), in.norm());
    var roundings = new Roundings(in.x.dataType(), in.sets().values(), sums);
    outputs = switch (pass) {
      case FORWARD_TRAINING -> in.sets().ofChannels() ? training(roundings) : images(roundings);
      case FORWARD_INFERENCE -> inference(roundings);
      case BACKWARD_TRAINING -> in.sets().ofChannels() ? gradients(roundings) : gradientsOfImages(roundings);
    };
    ofLimit = LimitOutputs.of(pass, in);
  }

  /** The outputs of an implementation. */
  List<Output> outputs() {
    return outputs;
  }

  /** The outputs of a limit. */
  List<Output> ofLimit() {
    return ofLimit;
  }

  private List<Output> training(Roundings roundings) {
    var y = like(in.x);
    reference.forwardTraining(in.x.segment(), in.residual(), in.gamma.segment(), in.beta.segment(), y.segment(),
        statistics().segment(), statistics().segment());
    return List.of(new Output("y", y, OutputBounds.ofTraining(in, roundings)));
  }

  private List<Output> inference(Roundings roundings) {
    var y = like(in.x);
    reference.forwardInference(in.x.segment(), in.residual(), in.gamma.segment(), in.beta.segment(),
        in.runningMean.segment(), in.runningVar.segment(), y.segment());
    return List.of(new Output("y", y, OutputBounds.ofInference(in, roundings)));
  }

  private List<Output> gradients(Roundings roundings) {
    var mean = statistics().copyFrom(roundings.sums().mean);
    var variance = statistics().copyFrom(roundings.sums().variance);
    var dx = like(in.x);
    var dresidual = in.operation().hasResidual() ? Optional.of(like(in.x)) : Optional.<Tensor>empty();
    var dgamma = like(in.gamma);
    var dbeta = like(in.gamma);
    reference.backwardTraining(in.x.segment(), in.residual(), in.dy.segment(), in.gamma.segment(), in.beta.segment(),
        mean.segment(), variance.segment(), dx.segment(),
        dresidual.map(Tensor::segment).orElse(MemorySegment.NULL), dgamma.segment(), dbeta.segment());
    var bounds = new GradientBounds(in, roundings, dgamma, dbeta);
    var gradients = new ArrayList<>(List.of(
        new Output("dx", dx, bounds.ofX()),
        new Output("dgamma", dgamma, bounds.ofGamma()),
        new Output("dbeta", dbeta, bounds.ofBeta())));
    dresidual.ifPresent(tensor -> gradients.add(new Output("dresidual", tensor, bounds.ofResidual())));
    return gradients;
  }

  private List<Output> images(Roundings roundings) {
    var y = like(in.x);
    new ImageFormulas(Pass.FORWARD_TRAINING, in, roundings).putY(y);
    return List.of(new Output("y", y, OutputBounds.ofTraining(in, roundings)));
  }

  private List<Output> gradientsOfImages(Roundings roundings) {
    var formulas = new ImageFormulas(Pass.BACKWARD_TRAINING, in, roundings);
    var bounds = new ImageGradientBounds(in, roundings, formulas);
    var dx = like(in.x);
    var dgamma = like(in.gamma);
    var dbeta = like(in.gamma);
    formulas.putDx(dx);
    formulas.putParameters(dgamma, dbeta);
    var gradients = new ArrayList<>(List.of(
        new Output("dx", dx, bounds.ofX()),
        new Output("dgamma", dgamma, bounds.ofGamma())));
    if (in.operation().hasMean()) {
      gradients.add(new Output("dbeta", dbeta, bounds.ofBeta()));
    }
    return gradients;
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
