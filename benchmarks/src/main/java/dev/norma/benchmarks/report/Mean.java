package dev.norma.benchmarks.report;

import java.util.List;
import java.util.Optional;

/**
 * A weighted geometric mean: of quotients, the only mean that does not depend on which of the two is the divisor.
 *
 * @param value the mean
 * @param shapes how many shapes it goes over
 * @param ofShapes how many there are in the set
 */
record Mean(double value, int shapes, int ofShapes) {
  /**
   * A value and its weight.
   *
   * @param value positive
   * @param weight positive
   */
  record Weighted(double value, double weight) {}

  /**
   * Computes the mean.
   *
   * @param values of the shapes that have one
   * @param ofShapes how many shapes could have one
   * @return empty if no shape has one
   */
  static Optional<Mean> of(List<Weighted> values, int ofShapes) {
    if (values.isEmpty()) {
      return Optional.empty();
    }
    double logarithms = values.stream().mapToDouble(one -> one.weight() * Math.log(one.value())).sum();
    double weights = values.stream().mapToDouble(Weighted::weight).sum();
    return Optional.of(new Mean(Math.exp(logarithms / weights), values.size(), ofShapes));
  }

  /** 1 or more to the two digits that are shown. */
  boolean isAtLeastOne() {
    return value >= 0.995;
  }

  boolean isWhole() {
    return shapes == ofShapes;
  }

  /** Such as "1.23×", with the number of shapes where some are missing. */
  @Override
  public String toString() {
    return Units.ratio(value) + (isWhole() ? "" : " (%d of %d)".formatted(shapes, ofShapes));
  }
}
