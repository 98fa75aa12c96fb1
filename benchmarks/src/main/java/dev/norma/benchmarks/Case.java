package dev.norma.benchmarks;

import java.util.List;

/**
 * What a runner is asked to compute.
 *
 * @param operation which operation
 * @param pass which pass
 * @param type one of {@link Types#ALL}
 * @param layout nchw, nhwc or nChw16c
 * @param shape of x
 * @param threads how many may be used
 */
public record Case(Operation operation, Pass pass, String type, String layout, Shape shape, int threads) {
  /**
   * The same in another layout.
   *
   * @param other layout
   * @return the case
   */
  public Case withLayout(String other) {
    return new Case(operation, pass, type, other, shape, threads);
  }

  /**
   * The same with another number of threads.
   *
   * @param other number
   * @return the case
   */
  public Case withThreads(int other) {
    return new Case(operation, pass, type, layout, shape, other);
  }

  /**
   * What is computed.
   *
   * @return the names of the files that a runner writes
   */
  public List<String> outputs() {
    return pass.outputs(operation);
  }

  /**
   * The size of one tensor.
   *
   * @return bytes
   */
  public long tensorBytes() {
    return shape.size() * Types.of(type).bytes();
  }

  /**
   * What crosses the memory bus where each tensor is read once or written once.
   *
   * @return bytes
   */
  public long traffic() {
    return pass.streams(operation) * tensorBytes();
  }
}
