package dev.norma;

/** What is fixed when a layer is built. */
record BatchNormSettings(
    long channels,
    DataType dataType,
    double epsilon,
    RunningRule runningRule,
    boolean affine,
    Activation activation,
    int threads) {
  DataType parameterType() {
    return dataType.parameterType();
  }
}
