package dev.norma.cli.train;

/**
 * Who normalizes.
 *
 * @param whose whose layers run
 * @param checked whether every call is compared with the reference
 */
record Layers(NormLayer whose, boolean checked) {
  /** What adds such a layer, if any, to the end of a network. */
  Normalizer adding(Normalization normalization) {
    return (network, place) ->
        normalization.maker().ifPresent(maker -> network.add(maker.make(whose, checked, place)));
  }
}
