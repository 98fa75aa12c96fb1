package dev.norma;

/** What a layer does with what it has normalized, in the same pass over the memory. */
public enum Activation {
  /** Nothing: y = z. */
  NONE,

  /** The rectifier: y = max(0, z), and NaN where z is NaN. A residual may be added before it. */
  RELU
}
