package dev.norma.cli;

import static java.lang.foreign.MemorySegment.NULL;

import dev.norma.DataType;
import dev.norma.Kernels;
import dev.norma.LayerNormDescriptor;
import dev.norma.Layout;
import dev.norma.Tensor;
import java.util.Random;

/**
 * Layer and RMS normalization of the inputs of one case: of whole samples where channels come first, of the channels of
 * each position where they come last.
 */
final class RowCheck {
  private final CheckInputs in;
  private final Comparison comparison;
  private final LayerNormDescriptor norm;
  private final Tensor gamma;
  private final Tensor beta;

  RowCheck(CheckInputs in, Comparison comparison, long seed) {
    this.in = in;
    this.comparison = comparison;
    var length = in.norm.layout() == Layout.CHANNELS_FIRST ? in.x.size() / in.norm.batch() : in.channels();
    norm = new LayerNormDescriptor(in.x.size() / length, length, in.norm.epsilon(), in.norm.dataType(), 0);
    var random = new Random(seed);
    gamma = in.parameters(comparison.arena(), length, i -> 1 + random.nextGaussian() / 2);
    beta = in.parameters(comparison.arena(), length, i -> random.nextGaussian());
  }

  void runAll() {
    layerNorm();
    rmsNorm();
  }

  private Tensor statistics() {
    return CheckInputs.array(comparison.arena(), DataType.FLOAT64, norm.rows());
  }

  private SliceScales scales(Tensor shift, Tensor mean, Tensor inverse) {
    return new SliceScales(
        in.x, in.dy, gamma, shift, mean, inverse, i -> i / norm.length(), i -> i % norm.length());
  }

  private void layerNorm() {
    var givenMean = statistics();
    var givenInvStd = statistics();
    var x = in.x.segment();
    var gammas = gamma.segment();
    var y = Tensor.allocate(comparison.arena(), in.x.dataType(), in.x.layout(), in.x.extents());
    Kernels.reference().layerNormForward(
        norm, x, gammas, beta.segment(), y.segment(), givenMean.segment(), givenInvStd.segment(), NULL);
    var scales = scales(beta, givenMean, givenInvStd);
    forward(scales);
    var dx = comparison.tensor("dx", in.x, (i, expected) -> scales.gradient(i));
    var dgamma = comparison.parameters("dgamma", gamma, (i, expected) -> scales.gammaGradient(i));
    var dbeta = comparison.parameters("dbeta", beta, (i, expected) -> scales.betaGradient(i));
    comparison.compare("layer norm backward",
        k -> k.layerNormBackward(norm, x, in.dy.segment(), gammas, givenMean.segment(), givenInvStd.segment(),
            dx.of(k), dgamma.of(k), dbeta.of(k), NULL),
        dx, dgamma, dbeta);
  }

  private void forward(SliceScales scales) {
    var y = comparison.tensor("y", in.x, scales::output);
    var mean = comparison.statistics("mean", norm.rows(), (i, expected) -> scales.mean(i));
    var invStd = comparison.statistics("invStd", norm.rows(), (i, expected) -> expected);
    comparison.compare("layer norm forward",
        k -> k.layerNormForward(norm, in.x.segment(), gamma.segment(), beta.segment(), y.of(k), mean.of(k),
            invStd.of(k), NULL),
        y, mean, invStd);
  }

  private void rmsNorm() {
    var x = in.x.segment();
    var gammas = gamma.segment();
    var givenInvRms = statistics();
    var unused = Tensor.allocate(comparison.arena(), in.x.dataType(), in.x.layout(), in.x.extents());
    Kernels.reference().rmsNormForward(norm, x, gammas, unused.segment(), givenInvRms.segment(), NULL);
    var noShift = CheckInputs.array(comparison.arena(), gamma.dataType(), norm.length());
    var scales = scales(noShift, statistics(), givenInvRms);
    var y = comparison.tensor("y", in.x, scales::output);
    var invRms = comparison.statistics("invRms", norm.rows(), (i, expected) -> expected);
    comparison.compare("rms norm forward", k -> k.rmsNormForward(norm, x, gammas, y.of(k), invRms.of(k), NULL),
        y, invRms);
    var dx = comparison.tensor("dx", in.x, (i, expected) -> scales.gradient(i));
    var dgamma = comparison.parameters("dgamma", gamma, (i, expected) -> scales.gammaGradient(i));
    comparison.compare("rms norm backward",
        k -> k.rmsNormBackward(norm, x, in.dy.segment(), gammas, givenInvRms.segment(), dx.of(k), dgamma.of(k), NULL),
        dx, dgamma);
  }
}
