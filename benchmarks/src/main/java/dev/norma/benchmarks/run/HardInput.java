package dev.norma.benchmarks.run;

import dev.norma.DataType;
import java.util.SplittableRandom;

/** Values that formulas which are right on paper get wrong, by how they cancel, overflow or underflow. */
enum HardInput {
  /** Nothing hard, to compare with. */
  NORMAL("mean 0, deviation 1") {
    @Override
    double x(DataType type, int i, SplittableRandom random) {
      return random.nextGaussian();
    }
  },

  /** So far from zero that one unit in the last place is the deviation. */
  FAR_MEAN("mean 1e7 (f32), deviation 1") {
    @Override
    double x(DataType type, int i, SplittableRandom random) {
      return Math.rint(1.2 / OutputCheck.ulp(type, 1)) + random.nextGaussian();
    }
  },

  /** Without any deviation: y is beta. */
  CONSTANT("constant 3.7") {
    @Override
    double x(DataType type, int i, SplittableRandom random) {
      return 3.7;
    }
  },

  /** Whose squares exceed float. */
  HUGE("|x| about 1e30 (f16: 1e4)") {
    @Override
    double x(DataType type, int i, SplittableRandom random) {
      return huge(type) * random.nextGaussian();
    }
  },

  /** Of few digits, and squares of none in float. */
  SUBNORMAL("|x| about 1e-40 (f16: 1e-6)") {
    @Override
    double x(DataType type, int i, SplittableRandom random) {
      return tiny(type) * random.nextGaussian();
    }
  },

  /** In one channel. */
  ALTERNATING("huge and tiny in turns") {
    @Override
    double x(DataType type, int i, SplittableRandom random) {
      return (i % 2 == 0 ? huge(type) : tiny(type)) * random.nextGaussian();
    }
  };

  private final String text;

  HardInput(String text) {
    this.text = text;
  }

  /** Value {@code i} of a channel, to be rounded to the type. */
  abstract double x(DataType type, int i, SplittableRandom random);

  @Override
  public String toString() {
    return text;
  }

  private static double huge(DataType type) {
    return type == DataType.FLOAT16 ? 1e4 : 1e30;
  }

  private static double tiny(DataType type) {
    return type == DataType.FLOAT16 ? 1e-6 : 1e-40;
  }
}
