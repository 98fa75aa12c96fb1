package dev.norma.cli.data;

import dev.norma.cli.UserException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * A folder with the files of MNIST, or of a data set that goes by the same names (Fashion-MNIST): images and labels,
 * each for training ("train") and for the test ("t10k"), plain or compressed by gzip.
 */
public final class ImageFolder {
  private ImageFolder() {}

  /**
   * Reads the files of a folder and splits them.
   *
   * @param folder where they are
   * @return the three parts
   * @throws IOException if a file cannot be read
   * @throws UserException if files are missing or do not go together
   */
  public static Split read(Path folder) throws IOException {
    if (!Files.isDirectory(folder)) {
      throw new UserException(folder + ": no such folder");
    }
    var training = readPart(folder, "train");
    var test = readPart(folder, "t10k");
    if (training.isPresent() && test.isPresent()) {
      return bothParts(folder, training.get(), test.get());
    }
    if (training.isPresent()) {
      return Split.drawn(training.get(), folder + ": only its training files (train), split by lot");
    }
    if (test.isPresent()) {
      return Split.drawn(test.get(), folder + ": only its test files (t10k), split by lot");
    }
    throw new UserException(folder + ": holds no IDX files; expected train-images-idx3-ubyte and "
        + "train-labels-idx1-ubyte, or the same with t10k, plain or with .gz");
  }

  private static Split bothParts(Path folder, Dataset training, Dataset test) {
    if (training.rows() != test.rows() || training.columns() != test.columns()) {
      throw new UserException("%s: its training images have %d pixels (%dx%d), its test images %d (%dx%d)".formatted(
          folder, training.features(), training.rows(), training.columns(),
          test.features(), test.rows(), test.columns()));
    }
    return Split.given(training, test, folder + ": its training and test files");
  }

  private static Optional<Dataset> readPart(Path folder, String part) throws IOException {
    String imageName = part + "-images-idx3-ubyte";
    String labelName = part + "-labels-idx1-ubyte";
    var images = find(folder, imageName);
    var labels = find(folder, labelName);
    if (images.isEmpty() && labels.isEmpty()) {
      return Optional.empty();
    }
    if (images.isEmpty() || labels.isEmpty()) {
      throw new UserException(folder + ": holds " + (images.isEmpty() ? labelName : imageName) + " but not "
          + (images.isEmpty() ? imageName : labelName));
    }
    return Optional.of(IdxFile.readImages(images.get(), labels.get()));
  }

  /** Some mirrors write a dot where the original has the second hyphen. */
  private static Optional<Path> find(Path folder, String name) {
    return List.of(name, name.replace("-idx", ".idx")).stream()
        .flatMap(stem -> List.of(stem, stem + ".gz").stream())
        .map(folder::resolve)
        .filter(Files::isRegularFile)
        .findFirst();
  }
}
