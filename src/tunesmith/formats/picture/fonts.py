"""The text fonts that come along: Tinos, as wide as Times, with which the engraver reckons."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parents[1] / "fonts"
FONTS = {style: FOLDER / f"tinos-{style}.ttf" for style in ("regular", "italic", "bold")}
FONT_RANGES = ((0x0A, 0x17F), (0x218, 0x21B), (0x370, 0x45F), (0x2010, 0x203F), (0x266D, 0x266F))  # what they hold
