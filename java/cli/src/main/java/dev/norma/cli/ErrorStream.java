package dev.norma.cli;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/** The standard error of the process, where progress is shown if it is a terminal. */
public final class ErrorStream {
  private static final int DESCRIPTOR = 2;

  /** A fixed width, because asking the terminal takes a library that needs more rights than this program has. */
  private static final int WIDTH = 79;

  private ErrorStream() {}

  /**
   * A bar on the terminal that disappears when it is closed.
   *
   * @param task its name, shown in front
   * @param steps what it counts to
   * @return the bar
   */
  public static ProgressBar bar(String task, long steps) {
    return new ProgressBarBuilder()
        .setTaskName(task)
        .setInitialMax(steps)
        .setStyle(ProgressBarStyle.ASCII)
        .setConsumer(new ConsoleProgressBarConsumer(System.err, WIDTH))
        .setUpdateIntervalMillis(100)
        .hideEta()
        .clearDisplayOnFinish()
        .build();
  }

  /**
   * Whether somebody watches. Java's console only tells whether both input and output are terminals, so the C library
   * is asked.
   *
   * @return whether standard error is a terminal
   */
  @SuppressWarnings("restricted")
  public static boolean isTerminal() {
    var linker = Linker.nativeLinker();
    return linker.defaultLookup().find("isatty")
        .map(address -> linker.downcallHandle(
            address, FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT)))
        .map(isatty -> {
          try {
            return (int) isatty.invokeExact(DESCRIPTOR) == 1;
          } catch (Throwable e) {
            throw new AssertionError("isatty throws nothing", e);
          }
        })
        .orElse(false);
  }
}
