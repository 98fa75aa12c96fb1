package dev.norma.cli;

import dev.norma.DataType;
import dev.norma.Layout;

/**
 * What one round of checks runs on.
 *
 * @param shape of the tensors
 * @param layout of the tensors
 * @param type of the tensors
 * @param data the kind of numbers in them
 */
record CheckCase(Extents shape, Layout layout, DataType type, CheckData data) {
  @Override
  public String toString() {
    return shape + " " + (layout == Layout.CHANNELS_FIRST ? "nchw" : "nhwc") + " "
        + ShortName.of(type) + ", " + data;
  }
}
