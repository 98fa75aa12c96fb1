package dev.norma.cli.train;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.convolutional.Convolution;
import ai.djl.nn.core.Linear;
import ai.djl.nn.norm.LayerNorm;
import dev.norma.cli.UserException;
import dev.norma.djl.NormaGroupNorm;
import dev.norma.djl.NormaInstanceNorm;
import dev.norma.djl.NormaLayerNorm;
import java.io.IOException;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Trained networks in one file of the safetensors format. Names are those of PyTorch, after the network they belong to:
 * {@code none.fc1.weight}, {@code batch.bn1.running_mean}.
 *
 * @param file where it was read from
 * @param arrays its named arrays
 */
record NetworkFile(Path file, NDList arrays) {
  private static final Map<String, String> PYTORCH_NAMES = Map.of(
      "weight", "weight", "bias", "bias",
      "gamma", "weight", "beta", "bias", "runningMean", "running_mean", "runningVar", "running_var");

  static NetworkFile read(Path file, NDManager manager) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    try {
      return new NetworkFile(file, NDList.decode(manager, bytes));
    } catch (RuntimeException e) {
      var exception = new UserException(file + ": not a file that --save wrote: " + e.getMessage());
      exception.initCause(e);
      throw exception;
    }
  }

  /** Gives every parameter of the network, which is initialized, the values that the file has for it. */
  void restore(String prefix, SequentialBlock network) {
    var saved = new HashMap<String, NDArray>();
    arrays.forEach(array -> saved.put(array.getName(), array));
    parameters(prefix, network).forEach((name, parameter) -> {
      var values = saved.get(name);
      if (values == null) {
        throw new UserException(file + ": holds no " + name);
      }
      var array = parameter.getArray();
      if (!values.getShape().equals(array.getShape())) {
        throw new UserException(
            file + ": " + name + " has shape " + values.getShape() + ", this network needs " + array.getShape());
      }
      // Into the array's own memory: the engine warns of what its set() does to an array that has a gradient.
      array.toByteBuffer(true).order(ByteOrder.nativeOrder()).asFloatBuffer().put(values.toFloatArray());
    });
  }

  /** The parameters of a network, copied and named. */
  static NDList copyOf(String prefix, SequentialBlock network, NDManager manager) {
    var copies = new NDList();
    parameters(prefix, network).forEach((name, parameter) -> {
      var array = parameter.getArray();
      var copy = manager.create(array.toFloatArray(), array.getShape());
      copy.setName(name);
      copies.add(copy);
    });
    return copies;
  }

  /** Writes beside the file first and then moves, so that no reader and no crash ever sees half a file. */
  static void write(Path file, NDList arrays) throws IOException {
    var temporary = file.resolveSibling(file.getFileName() + ".part");
    try {
      Files.write(temporary, arrays.encode(NDList.Encoding.SAFETENSORS));
      Files.move(temporary, file, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
    } finally {
      Files.deleteIfExists(temporary);
    }
  }

  private static Map<String, Parameter> parameters(String prefix, SequentialBlock network) {
    var parameters = new LinkedHashMap<String, Parameter>();
    var counts = new HashMap<String, Integer>();
    for (Block block : network.getChildren().values()) {
      if (!block.getDirectParameters().isEmpty()) {
        String kind = kind(block);
        String layer = kind + counts.merge(kind, 1, Integer::sum);
        block.getDirectParameters().forEach(pair ->
            parameters.put(prefix + "." + layer + "." + PYTORCH_NAMES.get(pair.getKey()), pair.getValue()));
      }
    }
    return parameters;
  }

  private static String kind(Block block) {
    return switch (block) {
      case Linear _ -> "fc";
      case Convolution _ -> "conv";
      case LayerNorm _, NormaLayerNorm _ -> "ln";
      case NormaInstanceNorm _ -> "in";
      case NormaGroupNorm _ -> "gn";
      default -> "bn";
    };
  }
}
