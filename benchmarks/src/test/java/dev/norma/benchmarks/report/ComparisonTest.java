package dev.norma.benchmarks.report;

import static org.assertj.core.api.Assertions.assertThat;

import dev.norma.benchmarks.Operation;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ComparisonTest {
  private static final int ROUNDS = 9;

  /** Rounds that differ by up to 8 nanoseconds. */
  private static double[] around(double nanoseconds) {
    return IntStream.range(0, ROUNDS).mapToDouble(round -> nanoseconds + round * 7 % ROUNDS).toArray();
  }

  private static String compared(Rows before, Rows after) {
    return new Comparison(before.list(), after.list()).text();
  }

  @Test
  void findsWhatBecameSlowerAndFaster() {
    var before = new Rows()
        .add("norma-c", Rows.nchw(Rows.SMALL), around(1000))
        .add("onednn", Rows.nchw(Rows.SMALL), around(1000))
        .add("copy", Rows.nchw(Rows.SMALL), around(1000));
    var after = new Rows()
        .add("norma-c", Rows.nchw(Rows.SMALL), around(1200))
        .add("onednn", Rows.nchw(Rows.SMALL), around(800))
        .add("copy", Rows.nchw(Rows.SMALL), around(1000));
    assertThat(compared(before, after)).isEqualTo("""
        3 times in both runs. Ratios are new time over old: above 1 is slower.

        The machine: copy takes 1.00× its old time over 1 case. It did not drift.

        Slower beyond the noise: 1

                 case                                            old      new  ratio
        norma-c  forward-training f32 nchw small, 2 threads  1.00 µs  1.20 µs  1.20×

        Faster beyond the noise: 1

                case                                            old     new  ratio
        onednn  forward-training f32 nchw small, 2 threads  1.00 µs  804 ns  0.80×

        Geometric means over all cases

                 forward-training  forward-inference  backward-training
        norma-c             1.20×                  –                  –
        onednn              0.80×                  –                  –
        copy                1.00×                  –                  –

        """);
  }

  @Test
  void matchesByOperationAndType() {
    var relu = Rows.of(Operation.BATCH_NORM_RELU, "bf16", Rows.SMALL);
    var before = new Rows().add("norma-c", relu, around(1000)).add("norma-c", Rows.nchw(Rows.SMALL), around(500));
    var after = new Rows().add("norma-c", relu, around(2000)).add("norma-c", Rows.nchw(Rows.SMALL), around(500));
    assertThat(compared(before, after))
        .contains("norma-c  batch-norm-relu forward-training bf16 nchw small, 2 threads  1.00 µs  2.00 µs  2.00×")
        .contains("Faster beyond the noise: nothing")
        .contains("""
            Geometric means over all cases

                     forward-training  forward-inference  backward-training
            norma-c             1.00×                  –                  –

            Geometric means over all cases of batch-norm-relu

                     forward-training  forward-inference  backward-training
            norma-c             2.00×                  –                  –
            """);
  }

  @Test
  void takesOverlappingRoundsForNoise() {
    var before = new Rows().add("norma-c", Rows.nchw(Rows.SMALL), 100, 101, 102, 150, 151, 152, 103, 104, 105);
    var after = new Rows().add("norma-c", Rows.nchw(Rows.SMALL), 148, 149, 150, 101, 102, 103, 147, 146, 145);
    assertThat(compared(before, after))
        .contains("Slower beyond the noise: nothing", "Faster beyond the noise: nothing");
  }

  @Test
  void takesSmallChangesForNoise() {
    var before = new Rows().add("norma-c", Rows.nchw(Rows.SMALL), around(1000));
    var after = new Rows().add("norma-c", Rows.nchw(Rows.SMALL), around(1015));
    assertThat(compared(before, after)).contains("Slower beyond the noise: nothing");
  }

  @Test
  void saysThatFewRoundsTellNothing() {
    var before = new Rows().add("onednn", Rows.nchw(Rows.SMALL), 100, 101, 102);
    var after = new Rows().add("onednn", Rows.nchw(Rows.SMALL), 200, 201, 202);
    assertThat(compared(before, after))
        .contains("1 time with fewer than 5 rounds: too few to tell a change from noise.")
        .contains("Slower beyond the noise: nothing");
  }

  @Test
  void saysThatTheMachineDrifted() {
    var before = new Rows().add("copy", Rows.nchw(Rows.SMALL), around(1000));
    var after = new Rows().add("copy", Rows.nchw(Rows.SMALL), around(1100));
    assertThat(compared(before, after))
        .contains("copy takes 1.10× its old time over 1 case.")
        .contains("It drifted: changes of about this size are the machine's.");
  }

  @Test
  void namesWhatIsInOneRunOnly() {
    var before = new Rows().add("numpy", Rows.nchw(Rows.SMALL), 1).add("numpy", Rows.nchw(Rows.LARGE), 1);
    var after = new Rows().add("djl", Rows.nchw(Rows.SMALL), 1);
    assertThat(compared(before, after)).endsWith("""
        Only in the old run: numpy, 2 cases
        Only in the new run: djl, 1 case
        """);
  }
}
