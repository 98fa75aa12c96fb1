package dev.norma.cli.train;

import java.util.List;

/**
 * Ways to keep running statistics. The batch's variance, without epsilon, has weight 1 - momentum in each update;
 * inference divides by the square root of the running variance plus epsilon.
 */
enum RunningCase {
  RIGHT("right", 1, true, false, false,
      "The variance starts at 1 and follows the batches; inference adds epsilon. For activations as small as those of",
      "the second network it takes more iterations until the 1 is forgotten."),
  NOT_UPDATED("averages not updated", 1, false, false, false,
      "What comes out is gamma * x + beta, whatever scale x has: in the text, TensorFlow's update operations were not",
      "run."),
  EPSILON_STORED("epsilon in the variance", 1, true, true, false,
      "The stored variance is the batch's plus epsilon, and inference adds epsilon again: too small an output where",
      "the variance is not far above epsilon."),
  STARTS_AT_ZERO("variance starts at 0", 0, true, false, false,
      "Too large an output for the first iterations: after one, the running variance is a tenth of the batch's, before",
      "it nothing but epsilon."),
  AS_THE_TEXT("as the text's code", 0, true, true, true,
      "It starts at 0, stores the variance plus epsilon and adds nothing in inference: the mistakes cancel in the long",
      "run, but before the first update it divides by 0, where Norma gives beta, and other libraries cannot use what",
      "it has stored.");

  private final String title;
  private final float firstVariance;
  private final boolean updated;
  private final boolean epsilonStored;
  private final boolean bareInference;
  private final List<String> explanation;

  RunningCase(
      String title,
      float firstVariance,
      boolean updated,
      boolean epsilonStored,
      boolean bareInference,
      String... explanation) {
    this.title = title;
    this.firstVariance = firstVariance;
    this.updated = updated;
    this.epsilonStored = epsilonStored;
    this.bareInference = bareInference;
    this.explanation = List.of(explanation);
  }

  String title() {
    return title;
  }

  float firstVariance() {
    return firstVariance;
  }

  /** Whether the averages follow the batches. */
  boolean updated() {
    return updated;
  }

  /** Whether the stored variance contains epsilon. */
  boolean epsilonStored() {
    return epsilonStored;
  }

  /** Whether inference adds no epsilon. */
  boolean bareInference() {
    return bareInference;
  }

  List<String> explanation() {
    return explanation;
  }
}
