package dev.norma;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.math.BigDecimal;
import java.util.function.DoubleUnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Numbers of 16 bits: all of them, and what lies between. */
class HalfFloatsTest {
  /** A format, with what the definition says of it. */
  enum Format {
    BFLOAT16(7, 127) {
      @Override
      double value(int bits) {
        return HalfFloats.ofBfloat16((short) bits);
      }

      @Override
      int bits(double value) {
        return Short.toUnsignedInt(HalfFloats.toBfloat16(value));
      }
    },
    FLOAT16(10, 15) {
      @Override
      double value(int bits) {
        return HalfFloats.ofFloat16((short) bits);
      }

      @Override
      int bits(double value) {
        return Short.toUnsignedInt(HalfFloats.toFloat16(value));
      }
    };

    static final int SIGN = 0x8000;

    final int fractionBits;
    final int bias;
    final int infinity;

    Format(int fractionBits, int bias) {
      this.fractionBits = fractionBits;
      this.bias = bias;
      this.infinity = (2 * bias + 1) << fractionBits;
    }

    abstract double value(int bits);

    abstract int bits(double value);

    /** By the definition: sign, exponent with its bias, fraction; finite numbers only. */
    double defined(int bits) {
      var exponent = (bits & 0x7fff) >> fractionBits;
      var fraction = bits & (1 << fractionBits) - 1;
      var significand = exponent == 0 ? fraction : fraction + (1 << fractionBits);
      var size = Math.scalb((double) significand, Math.max(exponent, 1) - bias - fractionBits);
      return (bits & SIGN) == 0 ? size : -size;
    }
  }

  @ParameterizedTest
  @EnumSource
  void everyNumberIsWhatTheDefinitionSays(Format format) {
    for (var bits = 0; bits < format.infinity; bits++) {
      assertThat(format.value(bits)).isEqualTo(format.defined(bits));
      assertThat(format.value(bits | Format.SIGN)).isEqualTo(-format.defined(bits));
    }
    assertThat(format.value(format.infinity)).isEqualTo(Double.POSITIVE_INFINITY);
    assertThat(format.value(format.infinity | Format.SIGN)).isEqualTo(Double.NEGATIVE_INFINITY);
    for (var bits = format.infinity + 1; bits < Format.SIGN; bits++) {
      assertThat(format.value(bits)).isNaN();
      assertThat(format.value(bits | Format.SIGN)).isNaN();
    }
  }

  /** A NaN comes back quiet, with the sign and the fraction bits that it had. */
  @ParameterizedTest
  @EnumSource
  void everyNumberComesBack(Format format) {
    var quiet = 1 << format.fractionBits - 1;
    for (var bits = 0; bits < 1 << 16; bits++) {
      var isNan = (bits & 0x7fff) > format.infinity;
      assertThat(format.bits(format.value(bits))).isEqualTo(isNan ? bits | quiet : bits);
    }
  }

  /** Half way between neighbours the even one is taken; next to it, by one bit of a double, the nearer one. */
  @ParameterizedTest
  @EnumSource
  void betweenNeighboursTheNearestIsTakenAndTheEvenOneOfTwo(Format format) {
    for (var bits = 0; bits < format.infinity; bits++) {
      // The number after the largest would be a power of two; from half way to it on, all is infinite.
      var above = format.defined(bits + 1);
      var half = (format.defined(bits) + above) / 2;
      var even = (bits & 1) == 0 ? bits : bits + 1;
      requireBits(format, Math.nextDown(half), bits);
      requireBits(format, half, even);
      requireBits(format, Math.nextUp(half), bits + 1);
      requireBits(format, Math.nextDown(above), bits + 1);
    }
  }

  private static void requireBits(Format format, double value, int bits) {
    assertThat(format.bits(value)).as("%s of %s", format, value).isEqualTo(bits);
    assertThat(format.bits(-value)).as("%s of %s", format, -value).isEqualTo(bits | Format.SIGN);
  }

  /** Rounding to float first would end half way between two numbers, and there at the wrong one. */
  @ParameterizedTest
  @EnumSource
  void aDoubleIsRoundedOnce(Format format) {
    var half = 1 + Math.scalb(1.0, -format.fractionBits - 1);
    assertThat((float) Math.nextUp(half)).isEqualTo((float) half);
    requireBits(format, Math.nextUp(half), format.bits(1) + 1);
    requireBits(format, Math.nextDown(half), format.bits(1));
  }

  @ParameterizedTest
  @CsvSource({
    "BFLOAT16, 1, 3f80", "BFLOAT16, -2, c000", "BFLOAT16, 0.1, 3dcd", "BFLOAT16, 1e300, 7f80",
    "BFLOAT16, -1e300, ff80",
    "BFLOAT16, 3.3962e38, 7f80", "BFLOAT16, 3.3961e38, 7f7f", "BFLOAT16, 1e-300, 0", "BFLOAT16, -1e-300, 8000",
    "FLOAT16, 1, 3c00", "FLOAT16, -2, c000", "FLOAT16, 0.1, 2e66", "FLOAT16, 65504, 7bff", "FLOAT16, 65519.99, 7bff",
    "FLOAT16, 65520, 7c00", "FLOAT16, -65520, fc00", "FLOAT16, 1e300, 7c00", "FLOAT16, 6e-8, 1", "FLOAT16, 2.9e-8, 0",
    "FLOAT16, -1e-300, 8000"
  })
  void knownNumbers(Format format, double value, String bits) {
    assertThat(Integer.toHexString(format.bits(value))).isEqualTo(bits);
  }

  static Stream<Arguments> ranges() {
    return Stream.of(Format.values())
        .flatMap(format -> Stream.of(1.0, 1e-3, 1e-7, 1e4, 1e-39, 1e38).map(size -> arguments(format, size)));
  }

  /** Against the distances to all that could be meant, in as many digits as they have. */
  @ParameterizedTest
  @MethodSource("ranges")
  void randomNumbersGoToTheNearest(Format format, double size) {
    var random = Problem.generator(2);
    DoubleUnaryOperator round = value -> format.value(format.bits(value));
    for (var i = 0; i < 2000; i++) {
      var value = size * random.nextGaussian();
      var bits = format.bits(value);
      if ((bits & 0x7fff) == format.infinity) {
        assertThat(Math.abs(value)).isGreaterThan(format.defined(format.infinity - 1));
        continue;
      }
      var distance = distance(value, round.applyAsDouble(value));
      for (var neighbour : new int[] {Math.max((bits & 0x7fff) - 1, 0), (bits & 0x7fff) + 1}) {
        assertThat(distance).isLessThanOrEqualTo(distance(Math.abs(value), format.defined(neighbour)));
      }
    }
  }

  private static BigDecimal distance(double a, double b) {
    return new BigDecimal(a).subtract(new BigDecimal(b)).abs();
  }

  @ParameterizedTest
  @CsvSource({
    "BFLOAT16, 1, 0x1p-7", "BFLOAT16, 255, 1", "BFLOAT16, 255.9, 2", "BFLOAT16, 0, 0x1p-133",
    "BFLOAT16, 1e-40, 0x1p-133",
    "FLOAT16, 1, 0x1p-10", "FLOAT16, -2048, 2", "FLOAT16, 2047.9, 2", "FLOAT16, 0, 0x1p-24", "FLOAT16, 1e-5, 0x1p-24",
    "FLOAT16, 65504, 32", "FLOAT16, 1e6, Infinity", "FLOAT32, 1, 0x1p-23", "FLOAT64, 1, 0x1p-52"
  })
  void unitsInTheLastPlace(DataType type, String value, String ulp) {
    assertThat(type.ulp(Double.parseDouble(value))).isEqualTo(Double.parseDouble(ulp));
    assertThat(type.ulp(Double.NaN)).isNaN();
  }

  @ParameterizedTest
  @EnumSource
  void theLargestNumberIsTheLastFiniteOne(DataType type) {
    var largest = type.largest();
    assertThat(type.round(largest)).isEqualTo(largest);
    assertThat(type.round(largest + type.ulp(largest))).isInfinite();
    assertThat(type.epsilon()).isEqualTo(type.ulp(1));
  }
}
