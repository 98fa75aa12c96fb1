package dev.norma.benchmarks.jmh;

import dev.norma.benchmarks.Case;
import java.lang.foreign.MemorySegment;

/** Prepares as it should, writes an output and breaks with the next call. */
public class BrokenBenchmark extends BatchNormBenchmark {
  private boolean broken;

  @Override
  protected String version() {
    return "Broken 1";
  }

  @Override
  protected void prepare(Case measured, Inputs inputs) {}

  @Override
  protected void forward() {
    if (broken) {
      throw new IllegalStateException("broken\nwhile timed");
    }
  }

  @Override
  protected void infer() {}

  @Override
  protected void backward() {}

  @Override
  protected MemorySegment output(String name) {
    broken = true;
    return MemorySegment.ofArray(new float[1]);
  }

  @Override
  protected void release() {}
}
