package dev.norma.djl;

import ai.djl.MalformedModelException;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtNDArray;
import dev.norma.LayerNormDescriptor;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.Arrays;
import java.util.Optional;
import java.util.stream.IntStream;

/** A block that normalizes the last axes of an array together, with parameters of their shape. */
abstract class RowBlock extends NormaBlock {
  /** The version of the file format, that of {@link ai.djl.nn.norm.LayerNorm}. */
  private static final byte VERSION = 1;

  private final Optional<int[]> axes;
  private Shape normalizedShape = new Shape();

  /** {@code axes}: all but the first if not given. */
  RowBlock(Optional<int[]> axes) {
    super(VERSION);
    this.axes = axes;
  }

  @Override
  protected final void beforeInitialize(Shape... inputShapes) {
    Shape shape = inputShapes[0];
    int first = firstAxis(shape);
    if (first >= shape.dimension()) {
      throw new IllegalArgumentException("no axis to normalize in shape %s after the first".formatted(shape));
    }
    Shape last = shape.slice(first);
    if (last.size() < 1) {
      throw new IllegalArgumentException(
          "the axes to normalize, %s of shape %s, must have fixed extents of at least 1".formatted(last, shape));
    }
    super.beforeInitialize(inputShapes);
    normalizedShape = last;
  }

  private int firstAxis(Shape shape) {
    if (axes.isEmpty()) {
      return 1;
    }
    int[] given = axes.get();
    int first = shape.dimension() - given.length;
    if (IntStream.range(0, given.length).anyMatch(i -> given[i] != first + i)) {
      throw new IllegalArgumentException(
          "the axes to normalize must be the last ones in their order, not %s of shape %s: transpose the input"
              .formatted(Arrays.toString(given), shape));
    }
    return first;
  }

  @Override
  protected final void prepare(Shape[] inputShapes) {
    setShapes(normalizedShape);
  }

  /** The input as rows. */
  final LayerNormDescriptor rows(PtNDArray x, ParameterValue gamma, Settings settings) {
    return Inputs.rows(x, normalizedShape, gamma, settings);
  }

  @Override
  protected final void saveMetadata(DataOutputStream out) throws IOException {
    saveInputShapes(out);
    out.write(normalizedShape.getEncoded());
  }

  @Override
  protected final void loadMetadata(byte loadVersion, DataInputStream in)
      throws IOException, MalformedModelException {
    requireVersion(loadVersion);
    readInputShapes(in);
    normalizedShape = Shape.decode(in);
  }
}
