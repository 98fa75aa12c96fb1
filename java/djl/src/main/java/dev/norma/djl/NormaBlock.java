package dev.norma.djl;

import ai.djl.MalformedModelException;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractBlock;
import ai.djl.nn.Parameter;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;

/** What all blocks have in common: one input, an output of its shape, and parameters of one shape. */
abstract class NormaBlock extends AbstractBlock {

  NormaBlock(byte version) {
    super(version);
  }

  /** One input's pass; {@code input} is of the engine, on the CPU, dense, and of a data type that kernels have. */
  abstract PtNDArray forward(PtNDArray input, Values values, boolean training);

  /** The parameters' values in one pass. */
  @FunctionalInterface
  interface Values {
    ParameterValue of(Parameter parameter);
  }

  final Parameter addParameter(String name, Parameter.Type type, boolean trained) {
    return addParameter(Parameter.builder().setName(name).setType(type).optRequiresGrad(trained).build());
  }

  @Override
  protected final NDList forwardInternal(
      ParameterStore store, NDList inputs, boolean training, PairList<String, Object> options) {
    PtNDArray x = Inputs.require(inputs.singletonOrThrow());
    Values values =
        parameter -> ParameterValue.of((PtNDArray) store.getValue(parameter, x.getDevice(), training));
    return new NDList(forward(x, values, training));
  }

  @Override
  public final Shape[] getOutputShapes(Shape[] inputShapes) {
    return new Shape[] {inputShapes[0]};
  }

  final void requireVersion(byte loaded) throws MalformedModelException {
    if (loaded != version) {
      throw new MalformedModelException("unknown version of a %s: %d".formatted(getClass().getSimpleName(), loaded));
    }
  }

  final void setShapes(Shape shape) {
    getDirectParameters().values().forEach(parameter -> parameter.setShape(shape));
  }
}
