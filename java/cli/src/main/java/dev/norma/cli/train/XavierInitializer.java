package dev.norma.cli.train;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.initializer.Initializer;
import java.util.Random;

/**
 * Weights by the rule of Glorot and Bengio ("Understanding the difficulty of training deep feedforward neural
 * networks", equation 16), called Xavier after the first name of one of them: uniform between plus and minus
 * sqrt(6 / (inputs + outputs)), where each pixel of a kernel counts.
 */
final class XavierInitializer implements Initializer {
  private final Random random;

  XavierInitializer(Random random) {
    this.random = random;
  }

  @Override
  public NDArray initialize(NDManager manager, Shape shape, DataType dataType) {
    long kernel = shape.slice(2).size();
    double bound = Math.sqrt(6.0 / (kernel * (shape.get(0) + shape.get(1))));
    var weights = new float[Math.toIntExact(shape.size())];
    for (int i = 0; i < weights.length; i++) {
      weights[i] = (float) (bound * (2 * random.nextDouble() - 1));
    }
    return manager.create(weights, shape);
  }
}
