package dev.norma.cli.train;

import java.awt.BasicStroke;
import java.awt.Color;
import java.util.List;

/**
 * How a line is drawn. The colours are told apart with every kind of colour blindness (Okabe and Ito), and lines by
 * their dashes as well.
 *
 * @param color of what matters
 * @param pale of what lies below
 * @param line of what matters
 */
record Palette(Color color, Color pale, BasicStroke line) {
  private static final List<Palette> ALL = List.of(
      new Palette(new Color(0xD55E00), new Color(0xF2C6A0), dashed(2.2f, 8f, 4f)),
      new Palette(new Color(0x0072B2), new Color(0xA6CDE4), solid(3f)),
      new Palette(new Color(0x009E73), new Color(0xA3DCCB), dashed(2.2f, 2f, 4f)),
      new Palette(new Color(0xCC79A7), new Color(0xEBCDDD), dashed(2.2f, 12f, 4f, 2f, 4f)),
      new Palette(new Color(0xE69F00), new Color(0xF5DBA3), dashed(2.2f, 16f, 6f)),
      new Palette(new Color(0x56B4E9), new Color(0xC0E2F6), dashed(2.2f, 4f, 2f)));

  static Palette of(Normalization normalization) {
    return of(normalization.ordinal());
  }

  static Palette of(int index) {
    return ALL.get(index % ALL.size());
  }

  static BasicStroke solid(float width) {
    return new BasicStroke(width, BasicStroke.CAP_ROUND, BasicStroke.JOIN_ROUND);
  }

  private static BasicStroke dashed(float width, float... dashes) {
    return new BasicStroke(width, BasicStroke.CAP_BUTT, BasicStroke.JOIN_ROUND, 10f, dashes, 0f);
  }
}
