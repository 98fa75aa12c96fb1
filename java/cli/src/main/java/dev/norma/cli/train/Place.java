package dev.norma.cli.train;

/** What a normalization stands behind. */
enum Place {
  /** Channels of pixels. */
  CONVOLUTION,
  /** Features without pixels. */
  DENSE
}
