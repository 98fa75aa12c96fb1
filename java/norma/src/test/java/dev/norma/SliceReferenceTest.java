package dev.norma;

import static java.lang.foreign.ValueLayout.JAVA_DOUBLE;
import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The oracle of slices itself, against the formulas in 60 digits. */
class SliceReferenceTest {
  private static final MathContext DIGITS = new MathContext(60);
  private static final double EPSILON = 0.125;

  /**
   * The reference computes in double: what is left is half a unit in the last place of what is stored, and the
   * roundings of double: at most 8 on the way to y or to a term of a sum (difference, the rest of the mean, two
   * products of a square sum, root, quotient, product, gamma), 16 where two of them meet.
   */
  private static double bound(DataType type, double exact, double magnitude) {
    return (type == DataType.FLOAT64 ? 0 : type.ulp(exact) / 2) + 16 * 0x1p-53 * magnitude;
  }

  @ParameterizedTest
  @CsvSource({
    "LAYER, FLOAT32, 0, 1", "LAYER, FLOAT32, 1e7, 1", "LAYER, FLOAT32, 0, 1e18", "LAYER, FLOAT64, 0, 1",
    "LAYER, FLOAT64, 1e7, 1", "LAYER, FLOAT64, 0, 1e150", "LAYER, FLOAT64, 0, 1e-150", "LAYER, BFLOAT16, 3, 1",
    "LAYER, FLOAT16, 3, 1", "RMS, FLOAT32, 0, 1", "RMS, FLOAT32, 1e7, 1", "RMS, FLOAT64, 0, 1", "RMS, FLOAT64, 1e7, 1",
    "RMS, FLOAT64, 0, 1e150", "RMS, BFLOAT16, 3, 1", "RMS, FLOAT16, 3, 1", "GROUP_CHANNELS_FIRST, FLOAT32, 1e7, 1",
    "GROUP_CHANNELS_FIRST, FLOAT64, 1e7, 1", "GROUP_CHANNELS_LAST, FLOAT32, 0, 1e18",
    "GROUP_CHANNELS_LAST, FLOAT64, 1e7, 1", "GROUP_CHANNELS_LAST, BFLOAT16, 3, 1",
    "INSTANCE_CHANNELS_FIRST, FLOAT64, 3, 1", "INSTANCE_CHANNELS_LAST, FLOAT64, 0, 1e150"
  })
  void formulas(SliceProblem.Kind kind, DataType type, double mean, double deviation) {
    try (var problem = kind.of(12, 9, EPSILON, type).fill(mean, deviation).run(Kernels.reference())) {
      new Exact(problem).require();
    }
  }

  /** A problem in 60 digits. */
  private record Exact(SliceProblem p) {
    private static BigDecimal decimal(double value) {
      return new BigDecimal(value);
    }

    private BigDecimal x(long i) {
      return decimal(p.value(p.x, i));
    }

    private BigDecimal gamma(long i) {
      return decimal(p.parameter(p.gamma, i, 1));
    }

    private BigDecimal dy(long i) {
      return decimal(p.value(p.dy, i));
    }

    private List<Long> elementsOf(long slice) {
      return LongStream.range(0, p.elements).filter(i -> p.sliceOf.applyAsLong(i) == slice).boxed().toList();
    }

    private static BigDecimal mean(List<BigDecimal> terms) {
      return terms.stream().reduce(BigDecimal.ZERO, BigDecimal::add).divide(decimal(terms.size()), DIGITS);
    }

    void require() {
      for (var slice = 0L; slice < p.slices; slice++) {
        requireForward(slice);
        requireBackward(slice);
      }
      for (var parameter = 0L; parameter < p.parameters; parameter++) {
        requireParameters(parameter);
      }
    }

    private void requireForward(long slice) {
      var elements = elementsOf(slice);
      var mean = p.hasMean ? mean(elements.stream().map(this::x).toList()) : BigDecimal.ZERO;
      var variance = mean(elements.stream().map(i -> x(i).subtract(mean).pow(2)).toList());
      var invStd = BigDecimal.ONE.divide(variance.add(decimal(EPSILON)).sqrt(DIGITS), DIGITS);
      var found = p.invStd.getAtIndex(JAVA_DOUBLE, slice);
      assertThat(found / invStd.doubleValue() - 1).isBetween(-8 * 0x1p-53, 8 * 0x1p-53);
      if (p.hasMean) {
        // The deviations x - mean that correct the mean are rounded themselves.
        var foundMean = p.mean.getAtIndex(JAVA_DOUBLE, slice);
        assertThat(Math.abs(foundMean - mean.doubleValue()))
            .isLessThanOrEqualTo(Math.ulp(foundMean) + 0x1p-53 * variance.sqrt(DIGITS).doubleValue());
      }
      if (p.variance.byteSize() > 0) {
        assertThat(p.variance.getAtIndex(JAVA_DOUBLE, slice) / variance.doubleValue() - 1)
            .isBetween(-8 * 0x1p-53, 8 * 0x1p-53);
      }
      for (var i : elements) {
        var beta = p.parameter(p.beta, i, 0);
        var scaled = x(i).subtract(mean).multiply(invStd, DIGITS).multiply(gamma(i));
        var magnitude = scaled.abs().doubleValue() + Math.abs(beta);
        requireClose(p.type, p.value(p.y, i), scaled.add(decimal(beta)), magnitude);
      }
    }

    /** By the statistics as they were stored, which are the inputs of the backward pass. */
    private BigDecimal xHat(long i) {
      var slice = p.sliceOf.applyAsLong(i);
      var mean = p.hasMean ? decimal(p.mean.getAtIndex(JAVA_DOUBLE, slice)) : BigDecimal.ZERO;
      return x(i).subtract(mean).multiply(decimal(p.invStd.getAtIndex(JAVA_DOUBLE, slice)));
    }

    private void requireBackward(long slice) {
      var elements = elementsOf(slice);
      var invStd = decimal(p.invStd.getAtIndex(JAVA_DOUBLE, slice));
      var meanG = p.hasMean ? mean(elements.stream().map(i -> gamma(i).multiply(dy(i))).toList()) : BigDecimal.ZERO;
      var terms = elements.stream().map(i -> gamma(i).multiply(dy(i)).multiply(xHat(i))).toList();
      var meanGXHat = mean(terms);
      var size = mean(terms.stream().map(BigDecimal::abs).toList());
      for (var i : elements) {
        var g = gamma(i).multiply(dy(i));
        var exact = invStd.multiply(g.subtract(meanG).subtract(xHat(i).multiply(meanGXHat)));
        // g and its mean are below 10.
        var magnitude = invStd.doubleValue() * (20 + xHat(i).abs().multiply(size).doubleValue());
        requireClose(p.type, p.value(p.dx, i), exact, magnitude);
      }
    }

    private void requireParameters(long parameter) {
      var elements =
          LongStream.range(0, p.elements).filter(i -> p.parameterOf.applyAsLong(i) == parameter).boxed().toList();
      var count = decimal(elements.size());
      var dgamma = mean(elements.stream().map(i -> dy(i).multiply(xHat(i))).toList()).multiply(count);
      var size = elements.stream().mapToDouble(i -> dy(i).multiply(xHat(i)).abs().doubleValue()).sum();
      requireClose(p.type.parameterType(), parameterAt(p.dgamma, parameter), dgamma, size);
      if (p.hasBeta) {
        var dbeta = mean(elements.stream().map(this::dy).toList()).multiply(count);
        requireClose(p.type.parameterType(), parameterAt(p.dbeta, parameter), dbeta, 10 * elements.size());
      }
    }

    private double parameterAt(MemorySegment array, long parameter) {
      return p.type.parameterType().get(array, parameter);
    }

    private static void requireClose(DataType type, double found, BigDecimal exact, double magnitude) {
      assertThat(Math.abs(found - exact.doubleValue()))
          .isLessThanOrEqualTo(bound(type, exact.doubleValue(), magnitude));
    }
  }
}
