package dev.norma;

import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.LongStream;

/**
 * The state of a layer in a file. Tensors have the names that PyTorch gives them, so that either reads what the other
 * wrote; what PyTorch does not know is metadata, which it ignores. Velocities are tensors, there only if they are
 * needed.
 */
final class LayerFile {
  private static final String WEIGHT = "weight";
  private static final String BIAS = "bias";
  private static final String RUNNING_MEAN = "running_mean";
  private static final String RUNNING_VAR = "running_var";
  private static final String BATCHES = "num_batches_tracked";
  private static final String WEIGHT_VELOCITY = "velocity.weight";
  private static final String BIAS_VELOCITY = "velocity.bias";
  private static final String EPSILON = "norma.epsilon";
  private static final String REFUSED = "norma.refused_batches";
  private static final String RULE = "norma.running_rule";

  private final Path file;
  private final double epsilon;
  private final DataType type;
  private final long[] shape;
  private final Optional<RunningStatistics> running;
  /** The parameter arrays of the layer by name, all of its shape; velocities apart. */
  private final Map<String, MemorySegment> parameters = new HashMap<>();

  private final Map<String, MemorySegment> velocities = new HashMap<>();

  /** Of parameters of that shape, of which some may be missing, as may running statistics. */
  LayerFile(
      Path file, double epsilon, DataType dataType, long[] shape, Affine affine, Optional<RunningStatistics> running) {
    this.file = file;
    this.epsilon = epsilon;
    this.type = dataType.parameterType();
    this.shape = shape.clone();
    this.running = running;
    if (affine.hasGamma()) {
      parameters.put(WEIGHT, affine.gamma);
      velocities.put(WEIGHT_VELOCITY, affine.gammaVelocity);
    }
    if (affine.hasBeta()) {
      parameters.put(BIAS, affine.beta);
      velocities.put(BIAS_VELOCITY, affine.betaVelocity);
    }
    running.ifPresent(
        statistics -> {
          parameters.put(RUNNING_MEAN, statistics.mean);
          parameters.put(RUNNING_VAR, statistics.variance);
        });
  }

  void save() {
    new SafeTensors(tensors(), metadata()).write(file);
  }

  /** Takes all of a file into the state, or nothing. */
  void load() {
    try (var arena = Arena.ofConfined()) {
      take(SafeTensors.read(file, arena));
    }
  }

  private SafeTensors.Type entryType() {
    return SafeTensors.Type.of(type);
  }

  private Map<String, SafeTensors.Entry> tensors() {
    var segments = new HashMap<>(parameters);
    if (hasVelocity()) {
      segments.putAll(velocities);
    }
    var tensors = new HashMap<String, SafeTensors.Entry>();
    segments.forEach((name, segment) -> tensors.put(name, SafeTensors.Entry.of(entryType(), segment, shape)));
    running.ifPresent(
        statistics -> tensors.put(BATCHES, SafeTensors.Entry.of(SafeTensors.Type.I64, statistics.batches)));
    return tensors;
  }

  /** Velocities are zeros until a step with momentum was made. */
  private boolean hasVelocity() {
    return velocities.values().stream().anyMatch(this::hasValue);
  }

  private boolean hasValue(MemorySegment array) {
    return LongStream.range(0, array.byteSize() / type.bytes()).anyMatch(i -> type.get(array, i) != 0);
  }

  private Map<String, String> metadata() {
    var metadata = new HashMap<>(Map.of(EPSILON, Double.toString(epsilon)));
    running.ifPresent(
        statistics -> {
          metadata.put(REFUSED, Long.toString(statistics.refused()));
          metadata.put(RULE, statistics.rule.toString());
        });
    return metadata;
  }

  private void take(SafeTensors content) {
    requireTensors(content);
    requireEpsilon(content.metadata());
    running.ifPresent(statistics -> takeCounts(content, statistics));
    parameters.forEach((name, segment) -> segment.copyFrom(content.tensor(name).data()));
    velocities.forEach(
        (name, segment) -> {
          if (content.tensors().containsKey(name)) {
            segment.copyFrom(content.tensor(name).data());
          } else {
            segment.fill((byte) 0);
          }
        });
  }

  private void takeCounts(SafeTensors content, RunningStatistics statistics) {
    var batches = content.tensor(BATCHES).data().get(JAVA_LONG_UNALIGNED, 0);
    var refused = refused(content.metadata());
    if (batches < 0 || refused < 0) {
      throw malformed("it counts %d batches and %d refused ones; expected no negative number", batches, refused);
    }
    statistics.batches.set(JAVA_LONG_UNALIGNED, 0, batches);
    statistics.refused.set(JAVA_LONG_UNALIGNED, 0, refused);
  }

  private void requireTensors(SafeTensors content) {
    var ofLayer = LongStream.of(shape).boxed().toList();
    for (var name : parameters.keySet()) {
      requireTensor(content, name, entryType(), ofLayer);
    }
    if (running.isPresent()) {
      requireTensor(content, BATCHES, SafeTensors.Type.I64, List.of());
    }
    for (var name : content.tensors().keySet()) {
      if (velocities.containsKey(name)) {
        requireTensor(content, name, entryType(), ofLayer);
      } else if (!parameters.containsKey(name) && !(running.isPresent() && name.equals(BATCHES))) {
        throw malformed("it has a tensor '%s', which this layer has not", name);
      }
    }
  }

  private void requireTensor(SafeTensors content, String name, SafeTensors.Type type, List<Long> shape) {
    var tensor = content.tensors().get(name);
    if (tensor == null) {
      throw malformed("it has no tensor '%s'; expected %s %s", name, type, shape);
    }
    if (tensor.type() != type || !tensor.shape().equals(shape)) {
      throw malformed("tensor '%s' is %s %s; expected %s %s", name, tensor.type(), tensor.shape(), type, shape);
    }
  }

  /** Weights that were trained with one epsilon give other outputs with another. */
  private void requireEpsilon(Map<String, String> metadata) {
    var expected = Double.toString(epsilon);
    var saved = metadata.getOrDefault(EPSILON, expected);
    if (!saved.equals(expected)) {
      throw malformed("it was saved with epsilon %s; this layer has %s", saved, expected);
    }
  }

  private long refused(Map<String, String> metadata) {
    var text = metadata.getOrDefault(REFUSED, "0");
    try {
      return Long.parseLong(text);
    } catch (NumberFormatException e) {
      throw malformed("metadata %s is '%s'; expected a whole number", REFUSED, text);
    }
  }

  private MalformedFileException malformed(String problem, Object... values) {
    return new MalformedFileException(file, problem.formatted(values));
  }
}
