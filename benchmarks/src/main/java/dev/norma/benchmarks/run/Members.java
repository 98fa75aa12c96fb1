package dev.norma.benchmarks.run;

import dev.norma.Tensor;
import java.util.Arrays;

/**
 * The elements of each set, of all images one after the other, in each channel by channel.
 *
 * @param index where in memory they are, by set
 * @param channel that they are of, by set
 */
record Members(long[][] index, int[][] channel) {
  static Members of(Inputs in) {
    int values = Math.toIntExact(in.sets().values());
    var members = new Members(new long[in.sets().count()][values], new int[in.sets().count()][values]);
    var next = new int[in.sets().count()];
    var x = in.x;
    for (int n = 0; n < x.batch(); n++) {
      for (int c = 0; c < x.channels(); c++) {
        for (int s = 0; s < x.spatial(); s++) {
          long i = x.index(n, c, s);
          int set = in.sets().of(i, c);
          members.index[set][next[set]] = i;
          members.channel[set][next[set]] = c;
          next[set]++;
        }
      }
    }
    return members;
  }

  /** The values of a set in a tensor. */
  double[] values(Tensor tensor, int set) {
    return Arrays.stream(index[set]).mapToDouble(tensor::get).toArray();
  }

  /** The parameters that belong to the values of a set. */
  double[] parameters(Tensor parameters, int set) {
    return Arrays.stream(channel[set]).mapToDouble(parameters::get).toArray();
  }
}
