package dev.norma.cli;

import dev.norma.NativeLibrary;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code norma info}. */
@Command(
    name = "info",
    description = {
      "Show which library, instruction set, threads, processor and JDK Norma uses.",
      "",
      "Environment: NORMA_ISA forces an instruction set by its name, OMP_NUM_THREADS sets the number of threads.",
      ""
    })
final class InfoCommand implements Callable<Integer> {
  @Spec
  private CommandSpec spec;

  @Override
  public Integer call() {
    String instructionSet = InstructionSet.describe();
    line("version", NativeLibrary.version());
    line("library", NativeLibrary.path().toString());
    line("instruction set", instructionSet);
    line("available", InstructionSet.names(true));
    line("not available", InstructionSet.names(false));
    line("threads", NativeLibrary.defaultThreads() + " by default");
    line("processor", Processor.name() + ", " + Runtime.getRuntime().availableProcessors() + " in use by this JVM");
    line("caches", Processor.caches());
    line("JDK", System.getProperty("java.vendor.version", "") + " " + Runtime.version() + " in "
        + System.getProperty("java.home"));
    line("system", System.getProperty("os.name") + " " + System.getProperty("os.version") + " "
        + System.getProperty("os.arch"));
    return Main.SUCCESS;
  }

  private void line(String name, String value) {
    spec.commandLine().getOut().printf("%-17s%s%n", name, value.strip());
  }
}
