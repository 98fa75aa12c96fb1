package dev.norma.djl;

import java.util.List;

/** What is done to what has been normalized: times gamma, plus beta. */
record Affine(ParameterValue gamma, ParameterValue beta) {
  List<ParameterValue> parameters() {
    return List.of(gamma, beta);
  }
}
