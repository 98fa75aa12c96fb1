package dev.norma;

import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The state of a layer in a file. Tensors have the names that PyTorch gives them, so that either reads what the other
 * wrote; what PyTorch does not know is metadata, which it ignores. Velocities are tensors, there only if they are
 * needed.
 */
final class BatchNormFile {
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
  private final BatchNormSettings settings;
  private final BatchNormState state;

  private BatchNormFile(Path file, BatchNormSettings settings, BatchNormState state) {
    this.file = file;
    this.settings = settings;
    this.state = state;
  }

  static void save(Path file, BatchNormSettings settings, BatchNormState state) {
    var content = new BatchNormFile(file, settings, state);
    new SafeTensors(content.tensors(), content.metadata()).write(file);
  }

  /** Takes all of a file into the state, or nothing. */
  static void load(Path file, BatchNormSettings settings, BatchNormState state) {
    try (var arena = Arena.ofConfined()) {
      new BatchNormFile(file, settings, state).take(SafeTensors.read(file, arena));
    }
  }

  /** The parameter arrays of the layer by name; velocities apart. */
  private Map<String, MemorySegment> parameters() {
    var parameters = new HashMap<String, MemorySegment>();
    if (settings.affine()) {
      parameters.put(WEIGHT, state.gamma);
      parameters.put(BIAS, state.beta);
    }
    parameters.put(RUNNING_MEAN, state.runningMean);
    parameters.put(RUNNING_VAR, state.runningVar);
    return parameters;
  }

  private Map<String, MemorySegment> velocities() {
    return settings.affine()
        ? Map.of(WEIGHT_VELOCITY, state.gammaVelocity, BIAS_VELOCITY, state.betaVelocity)
        : Map.of();
  }

  private SafeTensors.Type type() {
    return SafeTensors.Type.of(settings.parameterType());
  }

  private Map<String, SafeTensors.Entry> tensors() {
    var segments = parameters();
    if (hasVelocity()) {
      segments.putAll(velocities());
    }
    var tensors = new HashMap<String, SafeTensors.Entry>();
    segments.forEach(
        (name, segment) -> tensors.put(name, SafeTensors.Entry.of(type(), segment, settings.channels())));
    tensors.put(BATCHES, SafeTensors.Entry.of(SafeTensors.Type.I64, state.batches));
    return tensors;
  }

  /** Velocities are zeros until a step with momentum was made. */
  private boolean hasVelocity() {
    for (var velocity : velocities().values()) {
      for (var c = 0L; c < settings.channels(); c++) {
        if (settings.parameterType().get(velocity, c) != 0) {
          return true;
        }
      }
    }
    return false;
  }

  private Map<String, String> metadata() {
    return Map.of(
        EPSILON, Double.toString(settings.epsilon()),
        REFUSED, Long.toString(state.refused()),
        RULE, settings.runningRule().toString());
  }

  private void take(SafeTensors content) {
    requireTensors(content);
    requireEpsilon(content.metadata());
    var batches = content.tensor(BATCHES).data().get(JAVA_LONG_UNALIGNED, 0);
    var refused = refused(content.metadata());
    if (batches < 0 || refused < 0) {
      throw malformed("it counts %d batches and %d refused ones; expected no negative number", batches, refused);
    }
    parameters().forEach((name, segment) -> segment.copyFrom(content.tensor(name).data()));
    velocities().forEach((name, segment) -> {
      if (content.tensors().containsKey(name)) {
        segment.copyFrom(content.tensor(name).data());
      } else {
        segment.fill((byte) 0);
      }
    });
    state.batches.set(JAVA_LONG_UNALIGNED, 0, batches);
    state.refused.set(JAVA_LONG_UNALIGNED, 0, refused);
  }

  private void requireTensors(SafeTensors content) {
    for (var name : parameters().keySet()) {
      requireTensor(content, name, type(), List.of(settings.channels()));
    }
    requireTensor(content, BATCHES, SafeTensors.Type.I64, List.of());
    for (var name : content.tensors().keySet()) {
      if (velocities().containsKey(name)) {
        requireTensor(content, name, type(), List.of(settings.channels()));
      } else if (!parameters().containsKey(name) && !name.equals(BATCHES)) {
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
    var epsilon = Double.toString(settings.epsilon());
    var saved = metadata.getOrDefault(EPSILON, epsilon);
    if (!saved.equals(epsilon)) {
      throw malformed("it was saved with epsilon %s; this layer has %s", saved, epsilon);
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
