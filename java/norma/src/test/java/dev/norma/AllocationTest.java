package dev.norma;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Calls in steady state allocate nothing on the Java heap. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class AllocationTest {
  private static final int CALLS = 5_000;

  /** How long it takes until all is compiled depends on what else the machine does. */
  private static final int ROUNDS = 100;

  /** What the measurement itself may cost; a single object for each call, of at least 16 bytes, would be 80,000. */
  private static final long ONCE = 1_000;

  private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
  private final GradientDescent rule = GradientDescent.of(1e-9).withMomentum(0.9);
  private Arena arena;
  private BatchNorm layer;
  private BatchNorm fused;
  private BatchNorm half;
  private PopulationStatistics population;
  private Tensor weights;
  private Tensor folded;
  private MemorySegment bias;
  private Tensor residual;
  private Tensor dx;
  private Tensor halves;
  private Tensor x;
  private Tensor y;
  private Tensor smaller;
  private LayerNorm layerNorm;
  private RmsNorm rmsNorm;
  private GroupNorm groupNorm;
  private InstanceNorm instanceNorm;

  @BeforeAll
  void build() {
    arena = Arena.ofShared();
    layer = BatchNorm.builder(8).threads(1).build();
    fused = BatchNorm.builder(8).threads(1).activation(Activation.RELU).build();
    half = BatchNorm.builder(8).threads(1).dataType(DataType.BFLOAT16).build();
    residual = Tensor.allocate(arena, DataType.FLOAT32, Layout.CHANNELS_FIRST, 4, 8, 9);
    dx = Tensor.allocate(arena, DataType.FLOAT32, Layout.CHANNELS_FIRST, 4, 8, 9);
    halves = Tensor.allocate(arena, DataType.BFLOAT16, Layout.CHANNELS_FIRST, 4, 8, 9);
    x = Tensor.allocate(arena, DataType.FLOAT32, Layout.CHANNELS_FIRST, 4, 8, 9);
    y = Tensor.allocate(arena, DataType.FLOAT32, Layout.CHANNELS_FIRST, 4, 8, 9);
    smaller = Tensor.allocate(arena, DataType.FLOAT32, Layout.CHANNELS_LAST, 3, 8, 9);
    for (var i = 0L; i < x.size(); i++) {
      x.set(i, i % 7);
    }
    layerNorm = LayerNorm.builder(8, 9).threads(1).build();
    rmsNorm = RmsNorm.builder(8, 9).threads(1).build();
    groupNorm = GroupNorm.builder(2, 8).threads(1).build();
    instanceNorm = InstanceNorm.builder(8).affine(true).trackRunningStatistics(true).threads(1).build();
    population = layer.populationStatistics();
    population.add(x);
    weights = Tensor.allocate(arena, DataType.FLOAT32, Layout.CHANNELS_FIRST, 8, 5, 3, 3);
    folded = Tensor.allocate(arena, DataType.FLOAT32, Layout.CHANNELS_FIRST, 8, 5, 3, 3);
    bias = arena.allocate(8 * Float.BYTES, Float.BYTES);
  }

  @AfterAll
  void close() {
    layer.close();
    fused.close();
    layerNorm.close();
    rmsNorm.close();
    groupNorm.close();
    instanceNorm.close();
    half.close();
    arena.close();
  }

  enum Operation {
    FORWARD {
      @Override
      void call(AllocationTest test) {
        test.layer.forward(test.x, test.y);
      }
    },
    INFER {
      @Override
      void call(AllocationTest test) {
        test.layer.infer(test.x, test.y);
      }
    },
    BACKWARD {
      @Override
      void call(AllocationTest test) {
        test.layer.backward(test.x, test.y, test.y);
      }
    },
    BACKWARD_INFERENCE {
      @Override
      void call(AllocationTest test) {
        test.layer.backwardInference(test.x, test.y, test.y);
      }
    },
    STEP {
      @Override
      void call(AllocationTest test) {
        test.layer.step(test.rule);
      }
    },
    FORWARD_RELU {
      @Override
      void call(AllocationTest test) {
        test.fused.forward(test.x, test.residual, test.y);
      }
    },
    INFER_RELU {
      @Override
      void call(AllocationTest test) {
        test.fused.infer(test.x, test.residual, test.y);
      }
    },
    BACKWARD_RELU {
      @Override
      void call(AllocationTest test) {
        test.fused.backward(test.x, test.residual, test.y, test.dx, test.y);
      }
    },
    BACKWARD_INFERENCE_RELU {
      @Override
      void call(AllocationTest test) {
        test.fused.backwardInference(test.x, test.residual, test.y, test.dx, test.y);
      }
    },
    FORWARD_16_BITS {
      @Override
      void call(AllocationTest test) {
        test.half.forward(test.halves, test.halves);
      }
    },
    FOLD {
      @Override
      void call(AllocationTest test) {
        test.layer.fold(test.weights, test.bias, test.folded, test.bias);
      }
    },
    ADD_TO_POPULATION {
      @Override
      void call(AllocationTest test) {
        test.population.add(test.x);
      }
    },
    STORE_POPULATION {
      @Override
      void call(AllocationTest test) {
        test.population.store();
      }
    },
    LAYER_NORM {
      @Override
      void call(AllocationTest test) {
        test.layerNorm.forward(test.x, test.y);
        test.layerNorm.backward(test.x, test.y, test.y);
        test.layerNorm.step(test.rule);
        test.layerNorm.infer(test.x, test.y);
      }
    },
    RMS_NORM {
      @Override
      void call(AllocationTest test) {
        test.rmsNorm.forward(test.x, test.y);
        test.rmsNorm.backward(test.x, test.y, test.y);
        test.rmsNorm.step(test.rule);
        test.rmsNorm.infer(test.x, test.y);
      }
    },
    GROUP_NORM {
      @Override
      void call(AllocationTest test) {
        test.groupNorm.forward(test.x, test.y);
        test.groupNorm.backward(test.x, test.y, test.y);
        test.groupNorm.step(test.rule);
        test.groupNorm.infer(test.x, test.y);
      }
    },
    INSTANCE_NORM {
      @Override
      void call(AllocationTest test) {
        test.instanceNorm.forward(test.x, test.y);
        test.instanceNorm.backward(test.x, test.y, test.y);
        test.instanceNorm.step(test.rule);
        test.instanceNorm.infer(test.x, test.y);
        test.instanceNorm.backwardInference(test.x, test.y, test.y);
      }
    },
    /** Batches of different shapes in turn, as at the end of an epoch. */
    SHAPES_IN_TURN {
      @Override
      void call(AllocationTest test) {
        test.layer.infer(test.smaller, test.smaller);
        test.layer.infer(test.x, test.y);
      }
    };

    abstract void call(AllocationTest test);
  }

  @ParameterizedTest
  @EnumSource
  void nothingIsAllocated(Operation operation) {
    layer.forward(x, y);
    layer.backward(x, y, y);
    fused.forward(x, residual, y);
    var allocated = Long.MAX_VALUE;
    for (var round = 0; round < ROUNDS && allocated >= ONCE; round++) {
      allocated = allocatedBy(operation);
    }
    assertThat(allocated).isLessThan(ONCE);
  }

  private long allocatedBy(Operation operation) {
    var before = threads.getCurrentThreadAllocatedBytes();
    for (var i = 0; i < CALLS; i++) {
      operation.call(this);
    }
    return threads.getCurrentThreadAllocatedBytes() - before;
  }
}
