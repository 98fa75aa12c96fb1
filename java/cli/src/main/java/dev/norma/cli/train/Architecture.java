package dev.norma.cli.train;

import ai.djl.nn.SequentialBlock;
import dev.norma.cli.data.Split;
import java.util.List;
import java.util.Optional;

/** A network that classifies images and can be trained with each normalization. */
interface Architecture {
  /** Why the network cannot have that normalization; empty if it can. */
  Optional<String> refusal(Normalization normalization);

  /** How it is trained if nothing else is said. */
  Recipe recipe();

  /** The images in the form that the network takes. */
  Split fit(Split images);

  /** The network in words, for images that {@link #fit} gave. */
  String describe(Split images);

  /**
   * A new network for values of images in rows.
   *
   * @param seed decides the weights, layer by layer: they are the same whatever stands between the layers
   * @param normalizer called where a normalization may stand
   */
  SequentialBlock build(long seed, Normalizer normalizer);

  /** The results in lines: a table, with those of the network's text beside them, and what they mean. */
  List<String> report(Comparison comparison, TrainingOptions options, int trainingImages);
}
