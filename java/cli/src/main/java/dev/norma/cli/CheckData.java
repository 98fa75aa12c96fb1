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

    @Override
    boolean fits(DataType type) {
      return type != DataType.FLOAT16;
    }
  },
  CONSTANT("constant channels", 1e-5) {
    @Override
    double draw(Random random, DataType type, long channel) {
      return 1000.1 * (channel % 60 + 1);
    }
  },
  LARGE("large", 1e-5) {
    @Override
    double draw(Random random, DataType type, long channel) {
      return random.nextGaussian() * switch (type) {
        case FLOAT32, BFLOAT16 -> 1e30;
        case FLOAT64 -> 1e150;
        case FLOAT16 -> 5e3;
      };
    }
  },
  TINY("tiny", 0) {
    @Override
    double draw(Random random, DataType type, long channel) {
      return random.nextGaussian() * switch (type) {
        case FLOAT32, BFLOAT16 -> 1e-30;
        case FLOAT64 -> 1e-150;
        // Gradients by smaller numbers would be larger than the type.
        case FLOAT16 -> 3e-3;
      };
    }
  };

  private final String label;
  private final double epsilon;

  CheckData(String label, double epsilon) {
    this.label = label;
    this.epsilon = epsilon;
  }

  abstract double draw(Random random, DataType type, long channel);

  /** Whether the type can hold such numbers. */
  boolean fits(DataType type) {
    return true;
  }

  /** The epsilon to normalize with: none where it would hide the data. */
  double epsilon() {
    return epsilon;
  }

  @Override
  public String toString() {
    return label;
  }
}
