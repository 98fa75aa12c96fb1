package dev.norma.cli.train;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.initializer.Initializer;
import java.util.Random;

/**
 * Weights by the rule of He et al. (arXiv:1502.01852, equation 10), which is called MSRA after their place of work:
 * normal, with mean 0 and variance 2 / number of inputs. The text's program divides by the number of outputs instead
 * (equation 14).
 */
final class MsraInitializer implements Initializer {
  private final Random random;

  MsraInitializer(Random random) {
    this.random = random;
  }

  @Override
  public NDArray initialize(NDManager manager, Shape shape, DataType dataType) {
    long inputs = shape.get(1);
    double deviation = Math.sqrt(2.0 / inputs);
    var weights = new float[Math.toIntExact(shape.size())];
    for (int i = 0; i < weights.length; i++) {
      weights[i] = (float) (deviation * random.nextGaussian());
    }
    return manager.create(weights, shape);
  }
}
