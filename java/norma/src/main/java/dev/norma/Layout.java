package dev.norma;

/** The order of a dense tensor of N x C x S elements (batch, channels, product of the spatial extents) in memory. */
public enum Layout {
  /** Element (n, c, s) at {@code (n * C + c) * S + s}: NC, NCW, NCHW, NCDHW. */
  CHANNELS_FIRST,

  /** Element (n, c, s) at {@code (n * S + s) * C + c}: NC, NWC, NHWC, NDHWC. */
  CHANNELS_LAST;

  /** The index of element (n, c, s) of a tensor with so many channels and spatial positions. */
  long index(long n, long c, long s, long channels, long spatial) {
    return switch (this) {
      case CHANNELS_FIRST -> (n * channels + c) * spatial + s;
      case CHANNELS_LAST -> (n * spatial + s) * channels + c;
    };
  }

  /** The value of {@code enum norma_layout}: the constants are declared in its order. */
  int code() {
    return ordinal();
  }
}
