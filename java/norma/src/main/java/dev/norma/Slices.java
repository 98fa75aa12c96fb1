package dev.norma;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.function.LongConsumer;

/**
 * How a tensor falls into slices that are normalized by themselves, with parameters that differ within a slice: the
 * rows of layer and RMS normalization, the groups of group normalization. The slices of an image lie in memory like the
 * channels of a tensor.
 */
abstract class Slices {
  /** Its channels are the slices of one image. */
  private final BatchNormDescriptor image;

  private final long images;
  private final long parameters;

  private Slices(BatchNormDescriptor image, long images, long parameters) {
    this.image = image;
    this.images = images;
    this.parameters = parameters;
  }

  static Slices of(LayerNormDescriptor norm) {
    return new Rows(norm);
  }

  /** All rows are those of one image. */
  private static final class Rows extends Slices {
    private final long length;

    Rows(LayerNormDescriptor norm) {
      super(
          new BatchNormDescriptor(
              1, norm.rows(), norm.length(), norm.epsilon(), norm.dataType(), Layout.CHANNELS_FIRST, 0),
          1,
          norm.length());
      this.length = norm.length();
    }

    @Override
    long parameterOf(long element) {
      return element % length;
    }

    @Override
    String place(long element) {
      return "(row=%d, element=%d)".formatted(element / length, element % length);
    }

    @Override
    String placeOfSlice(long slice) {
      return "(row=%d)".formatted(slice);
    }

    @Override
    String placeOfParameter(long parameter) {
      return "(element=%d)".formatted(parameter);
    }
  }

  static Slices of(GroupNormDescriptor norm) {
    return new Groups(norm);
  }

  /**
   * The groups of an image are runs of all that belongs to their channels, or, with channels last, of as many channels
   * at each position.
   */
  private static final class Groups extends Slices {
    private final GroupNormDescriptor norm;

    Groups(GroupNormDescriptor norm) {
      super(image(norm), norm.batch(), norm.channels());
      this.norm = norm;
    }

    private static BatchNormDescriptor image(GroupNormDescriptor norm) {
      var channelsFirst = norm.layout() == Layout.CHANNELS_FIRST;
      var runs = channelsFirst ? 1 : norm.spatial();
      var run = norm.channels() / norm.groups() * (channelsFirst ? norm.spatial() : 1);
      return new BatchNormDescriptor(
          runs, norm.groups(), run, norm.epsilon(), norm.dataType(), Layout.CHANNELS_FIRST, 0);
    }

    @Override
    long parameterOf(long element) {
      var position = norm.layout() == Layout.CHANNELS_FIRST ? element / norm.spatial() : element;
      return position % norm.channels();
    }

    @Override
    String place(long element) {
      var channelsFirst = norm.layout() == Layout.CHANNELS_FIRST;
      var ofImage = element % (norm.channels() * norm.spatial());
      var s = channelsFirst ? ofImage % norm.spatial() : ofImage / norm.channels();
      var n = element / (norm.channels() * norm.spatial());
      return "(n=%d, c=%d, s=%d)".formatted(n, parameterOf(element), s);
    }

    @Override
    String placeOfSlice(long slice) {
      return "(n=%d, group=%d)".formatted(slice / norm.groups(), slice % norm.groups());
    }

    @Override
    String placeOfParameter(long parameter) {
      return "(c=%d)".formatted(parameter);
    }
  }

  /** The index of an element's parameters. */
  abstract long parameterOf(long element);

  /** Where an element stands, for a message. */
  abstract String place(long element);

  /** Which slice it is, for a message. */
  abstract String placeOfSlice(long slice);

  /** Which parameter it is, for a message. */
  abstract String placeOfParameter(long parameter);

  DataType type() {
    return image.dataType();
  }

  double epsilon() {
    return image.epsilon();
  }

  /** The number of slices. */
  long count() {
    return images * image.channels();
  }

  /** The number of values of a slice. */
  long length() {
    return image.valuesPerChannel();
  }

  /** The number of parameters. */
  long parameters() {
    return parameters;
  }

  /** The number of elements of a tensor. */
  long elements() {
    return count() * length();
  }

  /** A copy of a tensor. */
  MemorySegment copyOf(Arena arena, MemorySegment tensor) {
    var bytes = images * image.tensorBytes();
    return arena.allocate(bytes, Double.BYTES).copyFrom(tensor.asSlice(0, bytes));
  }

  /** Calls an action with the index of each element of a slice. */
  void forEachOf(long slice, LongConsumer action) {
    var first = slice / image.channels() * imageElements();
    image.forEachOf(slice % image.channels(), i -> action.accept(first + i));
  }

  private long imageElements() {
    return image.batch() * image.channels() * image.spatial();
  }

  /** What belongs to an element of an array of parameters, or what stands for one that is missing. */
  double parameter(MemorySegment array, long element, double missing) {
    return array.address() == 0 ? missing : type().parameterType().get(array, parameterOf(element));
  }

  Moments moments(MemorySegment x, long slice) {
    var bytes = image.tensorBytes();
    var ofImage = x.asSlice(slice / image.channels() * bytes, bytes);
    return Moments.of(image, ofImage, slice % image.channels());
  }

  /** The mean square as the variance about 0. */
  Moments squares(MemorySegment x, long slice) {
    var squares = new CompensatedSum();
    forEachOf(
        slice,
        i -> {
          var value = type().get(x, i);
          squares.add(value * value);
        });
    return new Moments(0, 0, squares.value() / length());
  }
}
