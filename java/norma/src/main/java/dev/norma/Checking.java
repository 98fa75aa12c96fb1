package dev.norma;

/** Who is compared with whom. */
interface Checking {
  /** The kernels that are checked. */
  Kernels kernels();

  /** What they are compared with. */
  ReferenceKernels reference();
}
