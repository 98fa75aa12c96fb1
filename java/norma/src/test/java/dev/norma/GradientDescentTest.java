package dev.norma;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GradientDescentTest {
  @Test
  void rulesAreMadeFromEachOther() {
    var rule =
        GradientDescent.of(0.5).withMomentum(0.9).withWeightDecay(1e-4).withNesterov(true).withLearningRate(0.1);
    assertThat(rule).isEqualTo(new GradientDescent(0.1, 0.9, 1e-4, true));
    assertThat(GradientDescent.of(0.5)).isEqualTo(new GradientDescent(0.5, 0, 0, false));
  }

  @ParameterizedTest
  @ValueSource(doubles = {-1e-300, Double.NaN, Double.POSITIVE_INFINITY})
  void valuesOutOfRangeAreRefusedByName(double bad) {
    var rule = GradientDescent.of(0.1);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> GradientDescent.of(bad))
        .withMessage("learningRate must be at least 0 and finite, not " + bad);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> rule.withWeightDecay(bad))
        .withMessage("weightDecay must be at least 0 and finite, not " + bad);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> rule.withMomentum(bad))
        .withMessage("momentum must be at least 0 and below 1, not " + bad);
  }

  @Test
  void momentumIsBelowOne() {
    assertThatIllegalArgumentException().isThrownBy(() -> GradientDescent.of(0.1).withMomentum(1));
  }

  @Test
  void nesterovNeedsMomentum() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> GradientDescent.of(0.1).withNesterov(true))
        .withMessage("Nesterov's momentum needs a momentum above 0");
  }
}
