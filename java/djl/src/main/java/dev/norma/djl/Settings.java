package dev.norma.djl;

import dev.norma.Kernels;
import dev.norma.RunningRule;

/** What the builder of a block fixed. */
record Settings(int axis, double epsilon, RunningRule rule, int threads, Kernels kernels) {}
