package dev.norma.cli.data;

import java.util.Random;
import java.util.stream.IntStream;

/** Orders of the numbers 0 to n - 1. {@link Random} is used because its sequence is specified to the bit. */
public final class Permutation {
  private Permutation() {}

  /**
   * The order as it is.
   *
   * @param size n
   * @return 0 to n - 1
   */
  public static int[] identity(int size) {
    return IntStream.range(0, size).toArray();
  }

  /**
   * Shuffles in place (Fisher and Yates).
   *
   * @param order what is shuffled
   * @param random decides how
   */
  public static void shuffle(int[] order, Random random) {
    for (int i = order.length - 1; i > 0; i--) {
      int j = random.nextInt(i + 1);
      int kept = order[i];
      order[i] = order[j];
      order[j] = kept;
    }
  }
}
