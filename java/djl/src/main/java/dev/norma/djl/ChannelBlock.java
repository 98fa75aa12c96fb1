package dev.norma.djl;

import ai.djl.MalformedModelException;
import ai.djl.ndarray.types.Shape;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;

/** A block whose parameters have a value for each channel. */
abstract class ChannelBlock extends NormaBlock {
  private final int axis;
  private long channels;

  /** {@code axis}: that of the channels. */
  ChannelBlock(byte version, int axis) {
    super(version);
    this.axis = axis;
  }

  final int axis() {
    return axis;
  }

  @Override
  protected void beforeInitialize(Shape... inputShapes) {
    Shape shape = inputShapes[0];
    if (axis >= shape.dimension() || shape.get(axis) < 1) {
      throw new IllegalArgumentException("no channels on axis %d of shape %s".formatted(axis, shape));
    }
    super.beforeInitialize(inputShapes);
    channels = shape.get(axis);
  }

  @Override
  protected final void prepare(Shape[] inputShapes) {
    setShapes(new Shape(channels));
  }

  @Override
  protected void saveMetadata(DataOutputStream out) throws IOException {
    saveInputShapes(out);
    out.writeLong(channels);
  }

  @Override
  protected void loadMetadata(byte loadVersion, DataInputStream in) throws IOException, MalformedModelException {
    requireVersion(loadVersion);
    readInputShapes(in);
    loadChannels(in);
  }

  final void loadChannels(DataInputStream in) throws IOException {
    channels = in.readLong();
  }
}
