package dev.norma.djl;

import dev.norma.Kernels;

/** What the builder of any block fixed. */
record Settings(double epsilon, int threads, Kernels kernels) {}
