"""Text on a reportlab canvas, in the fonts that come along, which the PDF then carries.

A character that they lack shows as an empty box, and is still itself when it is searched for or copied.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

from tunesmith.formats.picture.fonts import FONTS

PREFIX = "tunesmith-"  # reportlab's table of fonts belongs to the whole program


class Lettering:
    """Draws text on a canvas; `style` is a key of `FONTS`, sizes and places are in the canvas's current units."""

    def __init__(self, canvas: Any) -> None:
        self._canvas = canvas
        self._known = {style: pdfmetrics.getFont(font_name(style)).face.charToGlyph for style in FONTS}

    def width(self, text: str, style: str, size: float) -> float:
        """How wide the text is."""
        found: float = pdfmetrics.stringWidth(readable(text), font_name(style), size)
        return found

    def draw(self, text: str, x: float, y: float, style: str, size: float, *, y_down: bool = False) -> float:
        """Draw text from (x, y) on its baseline; returns where it ends. `y_down`: y grows downwards."""
        shown = self._canvas.beginText()
        shown.setTextTransform(1, 0, 0, -1 if y_down else 1, x, y)
        shown.setFont(font_name(style), size)
        for known, run in self._runs(readable(text), style):
            if known:
                shown.textOut(run)
                continue
            # reportlab has no method for marked content; PDF 32000-1:2008, 14.9.4 "Replacement text"
            code = shown._code
            code.append(f"/Span <</ActualText <FEFF{run.encode('utf-16-be').hex().upper()}>>> BDC")
            shown.textOut(run)
            code.append("EMC")
        self._canvas.drawText(shown)
        return x + self.width(text, style, size)

    def _runs(self, text: str, style: str) -> Iterator[tuple[bool, str]]:
        known = self._known[style]
        for found, run in groupby(text, lambda c: ord(c) in known or c == "\N{NO-BREAK SPACE}"):
            yield found, "".join(run)


def readable(text: str) -> str:
    """Text as one line: composed characters, and a space for what does not print or is no character."""
    composed = unicodedata.normalize("NFC", text)
    return "".join(c if c.isprintable() else " " for c in composed)


def font_name(style: str) -> str:
    """reportlab's name of a style's font; it is made known on first use."""
    name = PREFIX + style
    if name not in pdfmetrics.getRegisteredFontNames():
        pdfmetrics.registerFont(TTFont(name, str(FONTS[style])))
    return name
