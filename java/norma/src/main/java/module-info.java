/**
 * Normalization layers for Java: state, native kernels called without a copy, and the reference that checks them. Start
 * at {@link dev.norma.BatchNorm}.
 */
module dev.norma {
  // Its NormaLibraryException is among what this module throws.
  requires transitive dev.norma.bindings;

  exports dev.norma;
}
