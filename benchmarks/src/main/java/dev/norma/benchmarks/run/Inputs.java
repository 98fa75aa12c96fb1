package dev.norma.benchmarks.run;

import dev.norma.BatchNormDescriptor;
import dev.norma.DataType;
import dev.norma.Layout;
import dev.norma.Tensor;
import dev.norma.benchmarks.Case;
import dev.norma.benchmarks.Normalization;
import dev.norma.benchmarks.Operation;
import dev.norma.benchmarks.Types;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.function.DoubleSupplier;

/**
 * The inputs of a case, as files for the runners and as tensors for the reference; the same at every run.
 *
 * <p>Channels differ: the mean of x is from -1 to 1, its deviation from 0.5 to 2, so that a mistaken channel is found
 * but no implementation loses digits; where images have statistics of their own, they differ too. dy goes with x to some
 * degree, or dgamma would be too small to matter in dx.
 */
final class Inputs implements AutoCloseable {
  /** The protocol's. */
  static final double EPSILON = 1e-5;

  private static final long SEED = 1;
  private static final double MEAN = 1;
  private static final double LEAST_DEVIATION = 0.5;
  private static final double MOST_DEVIATION = 2;

  /** Cosine and sine of one angle: the sum of x's and own noise has deviation 1 again. */
  private static final double OF_X = 0.6;

  private static final double OWN = 0.8;

  /** Normal numbers that rows read from places of their own: a long table takes as long to draw as it is. */
  private static final int NOISE = 1 << 20;

  final Tensor x;
  final Tensor dy;
  final Tensor gamma;
  final Tensor beta;
  final Tensor runningMean;
  final Tensor runningVar;

  private final Arena arena = Arena.ofShared();
  private final Path folder;
  private final Operation operation;
  private final Sets sets;
  private final DataType type;
  private final Layout layout;
  private final Optional<Tensor> residual;

  /** Writes the files {@code x}, {@code dy}, {@code gamma}, ... into an existing folder. */
  Inputs(Path folder, Case measured) throws IOException {
    this.folder = folder;
    operation = measured.operation();
    type = Types.of(measured.type());
    var shape = measured.shape();
    sets = Sets.of(shape);
    layout = isChannelsLast(measured) ? Layout.CHANNELS_LAST : Layout.CHANNELS_FIRST;
    long channels = shape.channels();
    x = map("x", type, shape.batch(), channels, shape.spatial());
    dy = map("dy", type, shape.batch(), channels, shape.spatial());
    residual = operation.hasResidual()
        ? Optional.of(map("residual", type, shape.batch(), channels, shape.spatial()))
        : Optional.empty();
    gamma = map("gamma", type.parameterType(), 1, channels);
    beta = map("beta", type.parameterType(), 1, channels);
    runningMean = map("running_mean", type.parameterType(), 1, channels);
    runningVar = map("running_var", type.parameterType(), 1, channels);
    fill();
  }

  /** Rows are the same memory in both layouts, and with the channels last they are rows to walk over, too. */
  private static boolean isChannelsLast(Case measured) {
    return measured.layout().equals(Registry.NHWC) || measured.shape().normalization() == Normalization.LAYER;
  }

  private Tensor map(String name, DataType type, long... extents) throws IOException {
    try (var channel = FileChannel.open(folder.resolve(name),
        StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      long bytes = type.bytes();
      for (var extent : extents) {
        bytes *= extent;
      }
      return Tensor.of(channel.map(FileChannel.MapMode.READ_WRITE, 0, bytes, arena), type, layout, extents);
    }
  }

  private void fill() {
    var random = new SplittableRandom(SEED);
    int channels = Math.toIntExact(x.channels());
    var means = random.doubles(channels, -MEAN, MEAN).toArray();
    var deviations = random.doubles(channels, LEAST_DEVIATION, MOST_DEVIATION).toArray();
    var dyMeans = random.doubles(channels, -MEAN, MEAN).toArray();
    var dyDeviations = random.doubles(channels, LEAST_DEVIATION, MOST_DEVIATION).toArray();
    for (int c = 0; c < channels; c++) {
      gamma.set(c, random.nextDouble(0.5, 1.5));
      beta.set(c, random.nextDouble(-0.5, 0.5));
      runningMean.set(c, means[c] + 0.1 * deviations[c] * random.nextGaussian());
      runningVar.set(c, deviations[c] * deviations[c] * random.nextDouble(0.8, 1.2));
    }
    var shifts = shifts(random);
    var xNoise = normal(random::nextGaussian);
    var dyNoise = normal(random::nextGaussian);
    var rows = Rows.of(x);
    rows.parts().forEach(part -> {
      for (long row = part.from(); row < part.to(); row++) {
        int start = place(row);
        for (int j = 0; j < rows.length(); j++) {
          int c = rows.channel(row, j);
          double ofX = xNoise[(start + j) % NOISE];
          double own = dyNoise[(start + j) % NOISE];
          long i = rows.index(row, j);
          x.set(i, means[c] + deviations[c] * ofX + shifts[(int) (i / sets.image())]);
          dy.set(i, dyMeans[c] + dyDeviations[c] * (OF_X * ofX + OWN * own));
        }
      }
    });
    residual.ifPresent(tensor -> fillResidual(tensor, normal(random::nextGaussian)));
  }

  /** By which the images differ where each has statistics of its own. */
  private double[] shifts(SplittableRandom random) {
    int images = Math.toIntExact(x.batch());
    return sets.ofChannels() ? new double[images] : random.doubles(images, -MEAN, MEAN).toArray();
  }

  /** As large as what it is added to. */
  private static void fillResidual(Tensor residual, double[] noise) {
    var rows = Rows.of(residual);
    rows.parts().forEach(part -> {
      for (long row = part.from(); row < part.to(); row++) {
        int start = place(row);
        for (int j = 0; j < rows.length(); j++) {
          residual.set(rows.index(row, j), noise[(start + j) % NOISE]);
        }
      }
    });
  }

  private static double[] normal(DoubleSupplier gaussian) {
    var values = new double[NOISE];
    for (int i = 0; i < NOISE; i++) {
      values[i] = gaussian.getAsDouble();
    }
    return values;
  }

  /** Where in the noise a row begins: by the golden ratio, which spreads neighbours the farthest. */
  private static int place(long row) {
    return (int) (row * 0x9E3779B97F4A7C15L >>> 44);
  }

  /** Which values are normalized together. */
  Sets sets() {
    return sets;
  }

  /** So many sums of each set. */
  double[][] sumsOfSets(int number, Rows.Terms terms) {
    return Rows.of(x).sums(number, sets.count(), sets::of, terms);
  }

  /** Of batch normalization. */
  BatchNormDescriptor norm() {
    return BatchNormDescriptor.of(x, EPSILON, 1);
  }

  Operation operation() {
    return operation;
  }

  /** Element i of the residual, 0 where there is none. */
  double residual(long i) {
    return residual.isPresent() ? residual.get().get(i) : 0;
  }

  /** Where the residual is, NULL where there is none. */
  MemorySegment residual() {
    return residual.map(Tensor::segment).orElse(MemorySegment.NULL);
  }

  Path folder() {
    return folder;
  }

  /** Frees the memory; the files go with the folder. */
  @Override
  public void close() {
    arena.close();
  }
}
