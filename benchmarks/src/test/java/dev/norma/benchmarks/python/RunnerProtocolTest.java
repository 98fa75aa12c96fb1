package dev.norma.benchmarks.python;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code runner.py} with a peer that needs no library: any Python will do. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class RunnerProtocolTest {
  private static final float[] X = {1, -2, 3, -4, 5, 6};

  @TempDir Path folder;
  private Path inputs;
  private Path outputs;
  private PythonProcess runner;

  @BeforeEach
  void startRunner() throws Exception {
    inputs = Files.createDirectory(folder.resolve("inputs"));
    outputs = Files.createDirectory(folder.resolve("outputs"));
    var x = MemorySegment.ofArray(new byte[X.length * Float.BYTES]);
    MemorySegment.copy(X, 0, x, JAVA_FLOAT_UNALIGNED, 0, X.length);
    Files.write(inputs.resolve("x"), (byte[]) x.heapBase().orElseThrow());
    runner = new PythonProcess(folder, Path.of(getClass().getResource("doubling.py").toURI()));
    assertThat(runner.answer()).isEqualTo("ready,Doubling 1.0");
  }

  @AfterEach
  void stopRunner() {
    runner.close();
  }

  private String prepare() throws IOException {
    return runner.answer("prepare,batch-norm,forward-training,f32,nchw,1,2,3,1,1,%s,%s".formatted(inputs, outputs));
  }

  private void assertStillWorks() throws Exception {
    assertThat(prepare()).startsWith("prepared,");
    assertThat(runner.answer("release")).isEqualTo("released");
    runner.finish();
  }

  @Test
  void answersOneCommandAfterTheOther() throws Exception {
    for (var repetition = 0; repetition < 2; repetition++) {
      assertThat(prepare()).matches("prepared,[1-9]\\d*");
      for (var round : List.of(0, 17)) {
        assertThat(runner.answer("time,%d,1000000".formatted(round)))
            .matches("batch-norm,forward-training,f32,nchw,1,2,3,1,1,%d,[1-9]\\d*\\.\\d,".formatted(round));
      }
      assertThat(runner.answer("release")).isEqualTo("released");
      assertThat(runner.answer("time,0,1000000")).startsWith("failed,'time' without a case");
    }
    runner.finish();
  }

  @Test
  void preparesAnewWithoutRelease() throws Exception {
    assertThat(prepare()).startsWith("prepared,");
    assertStillWorks();
  }

  @Test
  void writesWhatThePassComputes() throws Exception {
    prepare();
    assertThat(outputs).isDirectoryContaining("glob:**/y");
    var y = MemorySegment.ofArray(Files.readAllBytes(outputs.resolve("y"))).toArray(JAVA_FLOAT_UNALIGNED);
    assertThat(y).containsExactly(2, -4, 6, -8, 10, 12);
  }

  @Test
  void writesNothingWithoutOutputs() throws Exception {
    assertThat(runner.answer("prepare,batch-norm,forward-training,f32,nchw,1,2,3,1,1,%s,".formatted(inputs)))
        .startsWith("prepared,");
    assertThat(outputs).isEmptyDirectory();
  }

  @Test
  void timesAtLeastAsLongAsItIsTold() throws Exception {
    prepare();
    var start = System.nanoTime();
    runner.answer("time,0,200000000");
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isGreaterThan(Duration.ofMillis(220));
  }

  @Test
  void keepsStandardOutputForAnswers() throws Exception {
    assertThat(prepare()).startsWith("prepared,");
    assertThat(runner.answer("release")).isEqualTo("released");
    runner.finish();
    assertThat(runner.errors()).containsExactly("printed by Python", "printed by a library");
  }

  @Test
  void saysThatACaseIsUnsupported() throws Exception {
    assertThat(runner.answer("prepare,batch-norm,forward-training,f32,nChw16c,1,2,3,1,1,%s,".formatted(inputs)))
        .isEqualTo("unsupported,no blocks of channels");
    assertStillWorks();
  }

  @Test
  void saysInOneLineWhatWentWrong() throws Exception {
    assertThat(runner.answer("prepare,batch-norm,backward-training,f32,nchw,1,2,3,1,1,%s,".formatted(inputs)))
        .isEqualTo("failed,ValueError: what went wrong in two lines");
    assertThat(runner.errors()).anyMatch(line -> line.startsWith("Traceback"));
    assertStillWorks();
  }

  @ParameterizedTest
  @ValueSource(strings = {"1,2,4", "1,1,3"})
  void refusesInputsOfAnotherSize(String extents) throws Exception {
    assertThat(runner.answer("prepare,batch-norm,forward-training,f32,nchw,%s,1,1,%s,".formatted(extents, inputs)))
        .startsWith("failed," + inputs.resolve("x") + " has 24 bytes; expected ");
    assertStillWorks();
  }

  @Test
  void namesAnInputThatIsNotThere() throws Exception {
    assertThat(runner.answer("prepare,batch-norm,forward-training,f32,nchw,1,2,3,1,1,%s,".formatted(outputs)))
        .startsWith("failed,FileNotFoundError: ")
        .contains(outputs.resolve("x").toString());
    assertStillWorks();
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', textBlock = """
      ''                                                     | '' is no command; expected prepare, time or release
      hello,world                                            | 'hello' is no command; expected prepare, time or release
      prepare                                                | 0 fields after 'prepare'; expected 11: 'prepare,OPERAT
      prepare,batch-norm,backward-training,f32,nchw,1,2,3,1,i| 9 fields after 'prepare'; expected 11
      prepare,1,2,3,4,5,6,7,8,9,10,11,12                     | 12 fields after 'prepare'; expected 11
      prepare,relu,forward-training,f32,nchw,1,2,3,1,1,in,   | OPERATION is 'relu'; expected one of: batch-norm batch-
      prepare,batch-norm,forward,f32,nchw,1,2,3,1,1,in,      | PASS is 'forward'; expected one of: forward-training
      prepare,batch-norm,forward-training,f8,nchw,1,2,3,1,1,i,| TYPE is 'f8'; expected one of: f32 f64 bf16 f16
      prepare,batch-norm,forward-training,f32,nhcw,1,2,3,1,1,,| LAYOUT is 'nhcw'; expected one of: nchw nhwc nChw16c
      prepare,batch-norm,forward-training,f32,nchw,0,2,3,1,1,,| N is '0'; expected a whole number that is 1 or more
      prepare,batch-norm,forward-training,f32,nchw,1,-2,3,1,1,,| C is '-2'; expected a whole number that is 1 or more
      prepare,batch-norm,forward-training,f32,nchw,1,2,x,1,1,,| S is 'x'; expected a whole number that is 1 or more
      prepare,batch-norm,forward-training,f32,nchw,1,2,3,1,,,| THREADS is ''; expected a whole number that is 1 or more
      prepare,batch-norm,forward-training,f32,nchw,1,2,3,2,1,,| GROUPS is '2'; expected a divisor of C for group-norm, C
      prepare,group-norm,forward-training,f32,nchw,1,4,3,3,1,,| GROUPS is '3'; expected a divisor of C for group-norm, C
      prepare,instance-norm,forward-training,f32,nchw,1,4,3,2,1,,| GROUPS is '2'; expected a divisor of C for group-norm
      prepare,layer-norm,forward-training,f32,nchw,1,4,3,1,1,,| S is '3'; expected 1, for layer-norm is of N rows of C
      prepare,rms-norm,forward-inference,f32,nchw,1,4,1,1,1,,| rms-norm has no pass forward-inference
      time                                                   | 0 fields after 'time'; expected 2: 'time,ROUND,NS'
      time,0,0                                               | NS is '0'; expected a whole number that is 1 or more
      time,-1,1000                                           | ROUND is '-1'; expected a whole number that is 0 or more
      time,0,1000                                            | 'time' without a case; expected 'prepare' before it
      release,all                                            | 1 fields after 'release'; expected 0: 'release'
      """, ignoreLeadingAndTrailingWhitespace = true, quoteCharacter = '`')
  void refusesWhatIsNoCommand(String command, String expected) throws Exception {
    assertThat(runner.answer(command.equals("''") ? "" : command)).startsWith("failed," + expected);
    assertStillWorks();
  }
}
