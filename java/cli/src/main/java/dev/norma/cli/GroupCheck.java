package dev.norma.cli;

import static java.lang.foreign.MemorySegment.NULL;

import dev.norma.DataType;
import dev.norma.GroupNormDescriptor;
import dev.norma.Kernels;
import dev.norma.Tensor;
import java.util.stream.LongStream;

/** Group and instance normalization of the inputs of one case. */
final class GroupCheck {
  /** Groups are as many as divide the channels, up to this. */
  private static final long MOST_GROUPS = 8;

  private final CheckInputs in;
  private final Comparison comparison;

  GroupCheck(CheckInputs in, Comparison comparison) {
    this.in = in;
    this.comparison = comparison;
  }

  void runAll() {
    var groups = LongStream.rangeClosed(1, MOST_GROUPS).filter(g -> in.channels() % g == 0).max().orElseThrow();
    forwardAndBackward("group norm", GroupNormDescriptor.of(in.x, groups, in.norm.epsilon(), 0));
    var instances = GroupNormDescriptor.of(in.x, in.channels(), in.norm.epsilon(), 0);
    averages(forwardAndBackward("instance norm", instances), instances);
  }

  /** Statistics of the groups, by the reference. */
  private record Statistics(Tensor mean, Tensor variance, Tensor invStd) {}

  private Statistics statistics(GroupNormDescriptor norm) {
    var length = norm.batch() * norm.groups();
    var arena = comparison.arena();
    var statistics = new Statistics(
        CheckInputs.array(arena, DataType.FLOAT64, length), CheckInputs.array(arena, DataType.FLOAT64, length),
        CheckInputs.array(arena, DataType.FLOAT64, length));
    var y = Tensor.allocate(arena, in.x.dataType(), in.x.layout(), in.x.extents());
    Kernels.reference().groupNormForward(norm, in.x.segment(), NULL, NULL, y.segment(), statistics.mean().segment(),
        statistics.variance().segment(), statistics.invStd().segment(), NULL);
    return statistics;
  }

  private long groupOf(GroupNormDescriptor norm, long i) {
    var image = i / (norm.channels() * norm.spatial());
    return image * norm.groups() + in.channel(i) / (norm.channels() / norm.groups());
  }

  private Statistics forwardAndBackward(String name, GroupNormDescriptor norm) {
    var given = statistics(norm);
    var scales = new SliceScales(
        in.x, in.dy, in.gamma, in.beta, given.mean(), given.invStd(), i -> groupOf(norm, i), in::channel);
    forward(name + " forward", norm, scales);
    var dx = comparison.tensor("dx", in.x, (i, expected) -> scales.gradient(i));
    var dgamma = comparison.parameters("dgamma", in.gamma, (c, expected) -> scales.gammaGradient(c));
    var dbeta = comparison.parameters("dbeta", in.beta, (c, expected) -> scales.betaGradient(c));
    comparison.compare(name + " backward",
        k -> k.groupNormBackward(norm, in.x.segment(), in.dy.segment(), in.gamma.segment(), given.mean().segment(),
            given.invStd().segment(), dx.of(k), dgamma.of(k), dbeta.of(k), NULL),
        dx, dgamma, dbeta);
    return given;
  }

  private void forward(String operation, GroupNormDescriptor norm, SliceScales scales) {
    var length = norm.batch() * norm.groups();
    var y = comparison.tensor("y", in.x, scales::output);
    var mean = comparison.statistics("mean", length, (i, expected) -> scales.mean(i));
    var variance = comparison.statistics("variance", length, (i, expected) -> expected);
    var invStd = comparison.statistics("invStd", length, (i, expected) -> expected);
    comparison.compare(operation,
        k -> k.groupNormForward(norm, in.x.segment(), in.gamma.segment(), in.beta.segment(), y.of(k), mean.of(k),
            variance.of(k), invStd.of(k), NULL),
        y, mean, variance, invStd);
  }

  /** Averages are double through and through. */
  private void averages(Statistics of, GroupNormDescriptor norm) {
    var mean = CheckedOutput.like("mean", in.mean, comparison.arena(), DataType.FLOAT64,
        (c, expected) -> largest(of.mean(), c));
    var variance = CheckedOutput.like("variance", in.mean, comparison.arena(), DataType.FLOAT64,
        (c, expected) -> largest(of.variance(), c));
    comparison.compare("instance norm averages",
        k -> k.instanceNormAverageStatistics(norm.batch(), norm.channels(), of.mean().segment(),
            of.variance().segment(), mean.of(k), variance.of(k)),
        mean, variance);
  }

  private double largest(Tensor ofImages, long c) {
    return LongStream.range(0, ofImages.size() / in.channels())
        .mapToDouble(n -> Math.abs(ofImages.get(n * in.channels() + c)))
        .max()
        .orElseThrow();
  }
}
