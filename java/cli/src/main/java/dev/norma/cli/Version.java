package dev.norma.cli;

import dev.norma.NativeLibrary;
import picocli.CommandLine.IVersionProvider;

/** The version of Norma: that of its library. */
final class Version implements IVersionProvider {
  @Override
  public String[] getVersion() {
    return new String[] {"norma " + NativeLibrary.version()};
  }
}
