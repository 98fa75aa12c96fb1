package dev.norma.cli.train;

import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.Trainer;
import dev.norma.cli.data.Dataset;
import java.util.Arrays;

/** Measures a network on images, in inference mode. */
final class Scorer {
  /** As many images at once as keep memory small. */
  private static final int CHUNK = 1000;

  private Scorer() {}

  static Score score(Trainer trainer, Dataset images) {
    double loss = 0;
    int correct = 0;
    for (int from = 0; from < images.size(); from += CHUNK) {
      int to = Math.min(from + CHUNK, images.size());
      float[] logits = logits(trainer, images, from, to);
      for (int i = from; i < to; i++) {
        float[] row = Arrays.copyOfRange(logits, (i - from) * Dataset.CLASSES, (i - from + 1) * Dataset.CLASSES);
        loss += crossEntropy(row, images.labels()[i]);
        correct += largest(row) == images.labels()[i] ? 1 : 0;
      }
    }
    return new Score(loss / images.size(), (double) correct / images.size());
  }

  private static float[] logits(Trainer trainer, Dataset images, int from, int to) {
    int features = images.features();
    try (NDManager scope = trainer.getManager().newSubManager()) {
      var pixels = Arrays.copyOfRange(images.pixels(), from * features, to * features);
      var input = scope.create(pixels, new Shape(to - from, features));
      return trainer.evaluate(new NDList(input)).singletonOrThrow().toFloatArray();
    }
  }

  /** -log(softmax(row)[label]), with the largest logit taken out so that no exponential overflows. */
  private static double crossEntropy(float[] row, int label) {
    double top = row[largest(row)];
    double sum = 0;
    for (float logit : row) {
      sum += Math.exp(logit - top);
    }
    return top + Math.log(sum) - row[label];
  }

  private static int largest(float[] row) {
    int largest = 0;
    for (int i = 1; i < row.length; i++) {
      if (row[i] > row[largest]) {
        largest = i;
      }
    }
    return largest;
  }
}
