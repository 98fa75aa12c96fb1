package dev.norma.cli;

import dev.norma.DataType;
import java.util.Random;

/** The kinds of numbers that kernels are checked on. */
enum CheckData {
  NORMAL("normal", 1e-5) {
    @Override
    double draw(Random random, DataType type, long channel) {
      return random.nextGaussian();
    }
  },
  MEAN_1E4("mean 1e4", 1e-5) {
    @Override
    double draw(Random random, DataType type, long channel) {
      return 1e4 + random.nextGaussian();
    }
  },
  MEAN_1E7("mean 1e7", 1e-5) {
    @Override
    double draw(Random random, DataType type, long channel) {
      return 1e7 + random.nextGaussian();
    }
  },
  CONSTANT("constant channels", 1e-5) {
    @Override
    double draw(Random random, DataType type, long channel) {
      return 1000.1 * (channel + 1);
    }
  },
  LARGE("large", 1e-5) {
    @Override
    double draw(Random random, DataType type, long channel) {
      return random.nextGaussian() * (type == DataType.FLOAT32 ? 1e30 : 1e150);
    }
  },
  TINY("tiny", 0) {
    @Override
    double draw(Random random, DataType type, long channel) {
      return random.nextGaussian() * (type == DataType.FLOAT32 ? 1e-30 : 1e-150);
    }
  };

  private final String label;
  private final double epsilon;

  CheckData(String label, double epsilon) {
    this.label = label;
    this.epsilon = epsilon;
  }

  abstract double draw(Random random, DataType type, long channel);

  /** The epsilon to normalize with: none where it would hide the data. */
  double epsilon() {
    return epsilon;
  }

  @Override
  public String toString() {
    return label;
  }
}
