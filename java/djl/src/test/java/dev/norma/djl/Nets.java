package dev.norma.djl;

import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.Block;
import ai.djl.nn.Blocks;
import ai.djl.nn.ParallelBlock;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.convolutional.Conv1d;
import ai.djl.nn.convolutional.Conv2d;
import ai.djl.nn.core.Linear;
import ai.djl.nn.norm.BatchNorm;
import java.util.List;
import java.util.function.Supplier;

/** Small networks with normalization layers from a supplier. */
enum Nets {
  /** NC: two hidden layers. */
  PERCEPTRON(new Shape(12)) {
    @Override
    Block block(Supplier<Block> norm) {
      return new SequentialBlock()
          .add(linear(16))
          .add(norm.get())
          .add(Activation::relu)
          .add(linear(8))
          .add(norm.get())
          .add(Activation::relu)
          .add(linear(CLASSES));
    }
  },

  /** NCW. */
  SEQUENCE(new Shape(3, 16)) {
    @Override
    Block block(Supplier<Block> norm) {
      return new SequentialBlock()
          .add(Conv1d.builder().setKernelShape(new Shape(3)).setFilters(6).build())
          .add(norm.get())
          .add(Activation::relu)
          .add(Blocks.batchFlattenBlock())
          .add(linear(CLASSES));
    }
  },

  /** NCHW, with a residual branch around two normalized convolutions. */
  RESIDUAL(new Shape(2, 6, 6)) {
    @Override
    Block block(Supplier<Block> norm) {
      Block branch =
          new SequentialBlock()
              .add(convolution(4))
              .add(norm.get())
              .add(Activation::relu)
              .add(convolution(4))
              .add(norm.get());
      return new SequentialBlock()
          .add(convolution(4))
          .add(norm.get())
          .add(Activation::relu)
          .add(sum(branch, Blocks.identityBlock()))
          .add(Activation::relu)
          .add(Blocks.batchFlattenBlock())
          .add(linear(CLASSES));
    }
  },

  /**
   * Normalized outputs that are reshaped and added, so that their gradients are views of one array, while one of them
   * is the input of a later layer, whose gradient is added to it.
   */
  RESHAPED_BRANCHES(new Shape(3, 4)) {
    @Override
    Block block(Supplier<Block> norm) {
      Block plain = new SequentialBlock().add(norm.get()).add(Blocks.batchFlattenBlock());
      Block again = new SequentialBlock().add(norm.get()).add(Blocks.batchFlattenBlock());
      Block twice = new SequentialBlock().add(norm.get()).add(sum(Blocks.batchFlattenBlock(), again));
      return new SequentialBlock()
          .add(norm.get())
          .add(Activation::relu)
          .add(sum(plain, twice))
          .add(Activation::relu)
          .add(linear(CLASSES));
    }
  },

  /** One block, used twice in a pass. */
  SHARED_BLOCK(new Shape(10)) {
    @Override
    Block block(Supplier<Block> norm) {
      Block shared = norm.get();
      return new SequentialBlock()
          .add(linear(8))
          .add(shared)
          .add(Activation::relu)
          .add(linear(8))
          .add(shared)
          .add(Activation::relu)
          .add(linear(CLASSES));
    }
  };

  static final int CLASSES = 4;

  private final Shape input;

  Nets(Shape input) {
    this.input = input;
  }

  abstract Block block(Supplier<Block> norm);

  /** With Norma's layers. */
  Block norma() {
    return block(() -> NormaBatchNorm.builder().build());
  }

  /** With the engine's layers. */
  Block engine() {
    return block(() -> BatchNorm.builder().build());
  }

  /** The shape of a batch. */
  Shape input(int batch) {
    return new Shape(batch).addAll(input);
  }

  private static Block linear(int units) {
    return Linear.builder().setUnits(units).build();
  }

  private static Block convolution(int filters) {
    return Conv2d.builder()
        .setKernelShape(new Shape(3, 3))
        .optPadding(new Shape(1, 1))
        .setFilters(filters)
        .build();
  }

  private static Block sum(Block... branches) {
    return new ParallelBlock(
        outputs -> new NDList(outputs.stream().map(NDList::singletonOrThrow).reduce((a, b) -> a.add(b)).orElseThrow()),
        List.of(branches));
  }
}
