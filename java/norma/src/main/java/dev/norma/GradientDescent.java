package dev.norma;

/**
 * The rule of one step of gradient descent, with the conventions of PyTorch's {@code SGD}:
 *
 * <pre>
 *   g         = gradient + weightDecay * parameter
 *   velocity  = momentum * velocity + g
 *   parameter = parameter - learningRate * (nesterov ? g + momentum * velocity : velocity)
 * </pre>
 *
 * <pre>{@code
 * GradientDescent rule = GradientDescent.of(0.1).withMomentum(0.9).withNesterov(true);
 * }</pre>
 *
 * @param learningRate at least 0 and finite
 * @param momentum at least 0 and below 1; 0 is plain descent
 * @param weightDecay at least 0 and finite
 * @param nesterov Nesterov's momentum, which needs a momentum above 0
 */
public record GradientDescent(double learningRate, double momentum, double weightDecay, boolean nesterov) {
  /**
   * Checks the ranges.
   *
   * @throws IllegalArgumentException if a value is outside its range
   */
  public GradientDescent {
    requireFinite("learningRate", learningRate);
    requireFinite("weightDecay", weightDecay);
    if (!(momentum >= 0 && momentum < 1)) {
      throw new IllegalArgumentException("momentum must be at least 0 and below 1, not " + momentum);
    }
    if (nesterov && momentum == 0) {
      throw new IllegalArgumentException("Nesterov's momentum needs a momentum above 0");
    }
  }

  private static void requireFinite(String name, double value) {
    if (!(value >= 0 && value < Double.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException(name + " must be at least 0 and finite, not " + value);
    }
  }

  /**
   * Plain gradient descent.
   *
   * @param learningRate at least 0 and finite
   * @return a rule without momentum and weight decay
   */
  public static GradientDescent of(double learningRate) {
    return new GradientDescent(learningRate, 0, 0, false);
  }

  /**
   * This rule with another learning rate.
   *
   * @param learningRate at least 0 and finite
   * @return a new rule
   */
  public GradientDescent withLearningRate(double learningRate) {
    return new GradientDescent(learningRate, momentum, weightDecay, nesterov);
  }

  /**
   * This rule with another momentum.
   *
   * @param momentum at least 0 and below 1
   * @return a new rule
   */
  public GradientDescent withMomentum(double momentum) {
    return new GradientDescent(learningRate, momentum, weightDecay, nesterov);
  }

  /**
   * This rule with another weight decay.
   *
   * @param weightDecay at least 0 and finite
   * @return a new rule
   */
  public GradientDescent withWeightDecay(double weightDecay) {
    return new GradientDescent(learningRate, momentum, weightDecay, nesterov);
  }

  /**
   * This rule with or without Nesterov's momentum.
   *
   * @param nesterov true needs a momentum above 0
   * @return a new rule
   */
  public GradientDescent withNesterov(boolean nesterov) {
    return new GradientDescent(learningRate, momentum, weightDecay, nesterov);
  }
}
