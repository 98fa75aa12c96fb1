package dev.norma.benchmarks;

/**
 * What a runner is asked to compute.
 *
 * @param pass which pass
 * @param type f32 or f64
 * @param layout nchw, nhwc or nChw16c
 * @param shape of x
 * @param threads how many may be used
 */
public record Case(Pass pass, String type, String layout, Shape shape, int threads) {
  /**
   * The size of one tensor.
   *
   * @return bytes
   */
  public long tensorBytes() {
    return shape.size() * (type.equals("f64") ? Double.BYTES : Float.BYTES);
  }

  /**
   * What must cross the memory bus at least.
   *
   * @return bytes
   */
  public long traffic() {
    return pass.streams() * tensorBytes();
  }
}
