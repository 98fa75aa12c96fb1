package dev.norma.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.norma.NativeLibrary;
import org.junit.jupiter.api.Test;

class InfoCommandTest {
  @Test
  void saysWhatIsInUse() {
    var result = Cli.run("info");
    assertThat(result.exitCode()).isZero();
    assertThat(result.row("version")).containsExactly(NativeLibrary.version());
    assertThat(result.row("library")).containsExactly(NativeLibrary.path().toString());
    assertThat(result.row("instruction set")[0]).startsWith(NativeLibrary.isaName() + ", ");
    assertThat(result.row("available")[0]).contains(NativeLibrary.isaName()).contains("portable");
    assertThat(result.row("threads")).containsExactly(NativeLibrary.defaultThreads() + " by default");
    assertThat(result.row("JDK")[0]).contains(Runtime.version().toString(), System.getProperty("java.home"));
    assertThat(result.out()).contains("processor", "caches", System.getProperty("os.arch"));
    assertThat(result.err()).isEmpty();
  }
}
