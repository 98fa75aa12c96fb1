package dev.norma.djl;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractBlock;
import ai.djl.nn.Parameter;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;
import java.util.Arrays;

/** The formula of a normalization of samples, by the engine's operations: gradients are those of the engine. */
final class EngineNorm extends AbstractBlock {
  private final Norm norm;
  private final float epsilon;
  private final Parameter gamma;
  private final Parameter beta;

  EngineNorm(Norm norm, float epsilon) {
    this.norm = norm;
    this.epsilon = epsilon;
    gamma = parameter("gamma", Parameter.Type.GAMMA);
    beta = norm.hasBeta() ? parameter("beta", Parameter.Type.BETA) : null;
  }

  private Parameter parameter(String name, Parameter.Type type) {
    return addParameter(Parameter.builder().setName(name).setType(type).build());
  }

  @Override
  protected void prepare(Shape[] inputShapes) {
    Shape shape = norm.parameterShape(inputShapes[0]);
    getDirectParameters().values().forEach(parameter -> parameter.setShape(shape));
  }

  @Override
  protected NDList forwardInternal(
      ParameterStore store, NDList inputs, boolean training, PairList<String, Object> options) {
    NDArray x = inputs.singletonOrThrow();
    NDArray samples = x.reshape(norm.samples(x.getShape()), -1);
    NDArray d = norm.hasMean() ? samples.sub(samples.mean(new int[] {1}, true)) : samples;
    NDArray normalized = d.div(d.square().mean(new int[] {1}, true).add(epsilon).sqrt()).reshape(x.getShape());
    NDArray scaled = normalized.mul(value(store, gamma, x, training));
    return new NDList(beta == null ? scaled : scaled.add(value(store, beta, x, training)));
  }

  /** In a shape that repeats it over the axes before and after its own. */
  private NDArray value(ParameterStore store, Parameter parameter, NDArray x, boolean training) {
    NDArray value = store.getValue(parameter, x.getDevice(), training);
    Shape own = value.getShape();
    long[] after = new long[Math.max(0, x.getShape().dimension() - 1 - own.dimension())];
    Arrays.fill(after, 1);
    return value.reshape(own.addAll(new Shape(after)));
  }

  @Override
  public Shape[] getOutputShapes(Shape[] inputShapes) {
    return inputShapes.clone();
  }
}
