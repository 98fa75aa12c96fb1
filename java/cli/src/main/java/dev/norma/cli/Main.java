package dev.norma.cli;

import dev.norma.cli.train.TrainCommand;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/** The command line. Exit codes: 0 it worked, 1 it failed or found a mismatch, 2 it was called the wrong way. */
@Command(
    name = "norma",
    description = "Normalization layers in native code, called from Java without a copy.",
    subcommands = {TrainCommand.class, CheckCommand.class, InfoCommand.class},
    versionProvider = Version.class,
    synopsisSubcommandLabel = "COMMAND")
public final class Main implements Runnable {
  /** The exit code of a command that worked. */
  public static final int SUCCESS = 0;

  /** The exit code of a command that failed or found a mismatch. */
  public static final int FAILURE = 1;

  /** The exit code of a command that was called the wrong way. */
  public static final int USAGE = 2;

  @Option(names = {"-h", "--help"}, usageHelp = true, scope = ScopeType.INHERIT, description = "Show this help.")
  private boolean help;

  @Option(names = {"-V", "--version"}, versionHelp = true, scope = ScopeType.INHERIT, description = "Show the version.")
  private boolean version;

  @Option(names = "--debug", scope = ScopeType.INHERIT, description = "Show where in the program an error arose.")
  private boolean debug;

  @Spec
  private CommandSpec spec;

  private Main() {}

  /** Runs a command and ends the JVM with its exit code. */
  public static void main(String[] arguments) {
    var out = new PrintWriter(System.out, true, StandardCharsets.UTF_8);
    var err = new PrintWriter(System.err, true, StandardCharsets.UTF_8);
    System.exit(run(out, err, List.of(), arguments));
  }

  /**
   * Runs a command.
   *
   * @param out standard output
   * @param err standard error, where a failure is one line
   * @param moreCommands picocli commands beside those of this class
   * @param arguments the name of a command and its arguments
   * @return the exit code
   */
  public static int run(PrintWriter out, PrintWriter err, List<Object> moreCommands, String... arguments) {
    // The texts are English, so their numbers are too.
    Locale.setDefault(Locale.ROOT);
    // Nothing is ever shown in a window.
    System.setProperty("java.awt.headless", "true");
    var main = new Main();
    var commandLine = new CommandLine(main);
    moreCommands.forEach(commandLine::addSubcommand);
    commandLine.setOut(out)
        .setErr(err)
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setParameterExceptionHandler(main::misused)
        .setExecutionExceptionHandler((exception, command, parsed) -> main.failed(exception, command));
    try {
      return commandLine.execute(arguments);
    } catch (Error e) {
      return main.failed(e, commandLine);
    }
  }

  /** Called without a command. */
  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "a command is missing");
  }

  private int misused(ParameterException exception, String[] arguments) {
    var command = exception.getCommandLine();
    String name = command.getCommandSpec().qualifiedName();
    command.getErr().printf("%s: %s (%s --help lists the options)%n", name, oneLine(exception.getMessage()), name);
    return USAGE;
  }

  private int failed(Throwable exception, CommandLine command) {
    command.getErr().println(command.getCommandSpec().qualifiedName() + ": " + oneLine(ErrorText.of(exception)));
    if (debug) {
      exception.printStackTrace(command.getErr());
    }
    return FAILURE;
  }

  private static String oneLine(String text) {
    return text.strip().replaceAll("\\s*\\R\\s*", "; ");
  }
}
