package dev.norma.benchmarks.run;

import static org.assertj.core.api.Assertions.assertThat;

import dev.norma.benchmarks.Case;
import dev.norma.benchmarks.Implementation;
import dev.norma.benchmarks.Implementation.Kind;
import dev.norma.benchmarks.Normalization;
import dev.norma.benchmarks.Operation;
import dev.norma.benchmarks.Pass;
import dev.norma.benchmarks.Shape;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class RoleTest {
  private static final Implementation PLAIN =
      new Implementation("plain", "C", Kind.NORMA, List.of(Normalization.values()), List.of("f32"),
          List.of("nchw", "nhwc"), true, "plain");
  private static final Implementation BLOCKED =
      new Implementation("blocked", "C", Kind.PEER, List.of(Normalization.values()), List.of("f32"),
          List.of("nchw", "nhwc", "nChw16c"), false, "b");

  private static Case data(String type, String layout, long spatial) {
    var shape = new Shape("set", "shape", 2, 3, spatial, 1);
    return new Case(Operation.BATCH_NORM, Pass.FORWARD_TRAINING, type, layout, shape, 2);
  }

  /** The layouts in which the runners of both have a part. */
  private static List<String> parts(Case data) {
    return Role.of(List.of(PLAIN, BLOCKED)).stream()
        .flatMap(role -> role.part(data).map(part -> role.name() + " " + part.layout()).stream())
        .toList();
  }

  @Test
  void aBlockedLayoutGoesWithChannelsFirstInAProcessOfItsOwn() {
    assertThat(parts(data("f32", "nchw", 4)))
        .containsExactly("plain nchw", "blocked nchw", "blocked-nChw16c nChw16c");
    assertThat(parts(data("f32", "nhwc", 4))).containsExactly("plain nhwc", "blocked nhwc");
  }

  @Test
  void withoutSpatialExtentsOnlyWhoChoosesByLayoutRunsBoth() {
    assertThat(parts(data("f32", "nchw", 1)))
        .containsExactly("plain nchw", "blocked nchw", "blocked-nChw16c nChw16c");
    assertThat(parts(data("f32", "nhwc", 1))).containsExactly("blocked nhwc");
  }

  @Test
  void aTypeThatItDoesNotHaveIsNoPart() {
    assertThat(parts(data("f64", "nchw", 4))).isEmpty();
  }

  @Test
  void aSingleThreadedRunnerIsToldSoWhileItsCaseCountsTheThreadsOfTheOthers() {
    var role = new Role(PLAIN, false);
    var part = role.part(data("f32", "nchw", 4)).orElseThrow();
    assertThat(part.threads()).isEqualTo(2);
    assertThat(role.threads(part)).isEqualTo(1);
    assertThat(new Role(BLOCKED, false).threads(part)).isEqualTo(2);
    assertThat(Optional.of(part)).contains(data("f32", "nchw", 4));
  }
}
