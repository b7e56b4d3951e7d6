"""Verovio's SVG made fit for any viewer: music signs in text as shapes or Unicode, no ids that nobody needs.

The music font itself would have to be installed, or carried in every picture.
"""

from __future__ import annotations

import importlib.util
import re
from functools import lru_cache
from pathlib import Path

# The music font's accidentals inside text (SMuFL's figured bass) -> the signs that text fonts have
FLAT, NATURAL, SHARP = "\N{MUSIC FLAT SIGN}", "\N{MUSIC NATURAL SIGN}", "\N{MUSIC SHARP SIGN}"
ACCIDENTALS = {"\uea63": FLAT * 2, "\uea64": FLAT, "\uea65": NATURAL, "\uea66": SHARP, "\uea67": SHARP * 2}
TEMPO_LIFT = (
    174  # thousandths of the font size: Verovio sets a metronome mark's note so low that it may touch the staff
)
SPACE_ADVANCE = 150  # thousandths of the font size


def portable(page: str) -> str:
    """A page of Verovio's SVG whose only ids are those of notes and rests, glyphs and the page itself."""
    unused = r'(<(?:g|tspan)) id="(?!p\d+[nr]|E[0-9A-F]{3}-)[^"]*"'  # the style sheet names the page
    return _with_text_glyphs(re.sub(unused, r"\1", page))


def without_degrees(text: str) -> str:
    """MusicXML without chords' degrees: Verovio prints them even where they are marked as not to be printed."""
    return re.sub(r"<degree .*?</degree>", "", text, flags=re.DOTALL)


def _with_text_glyphs(page: str) -> str:
    """Music signs inside text, as shapes at its start (metronome marks) or as Unicode characters (chord symbols)."""
    start = r'<text x="(\d+)" y="(-?\d+)" font-size="0px">((?:<tspan[^>]*>)*)'
    glyphs = r'<tspan font-family="Leipzig" font-size="(\d+)px">([^<]+)</tspan>'
    page = re.sub(start + glyphs, _metronome, page)

    def accidental(found: re.Match[str]) -> str:
        signs = "".join(ACCIDENTALS.get(c, "") for c in found[2])
        return f'<tspan font-size="{int(found[1]) * 9 // 16}px">{signs}</tspan>'

    return re.sub(glyphs, accidental, page)


def _metronome(found: re.Match[str]) -> str:
    x, size = float(found[1]), int(found[4])
    y = int(found[2]) - size * TEMPO_LIFT // 1000
    if any(c in ACCIDENTALS for c in found[5]):
        return found[0]
    shapes = []
    for c in found[5]:
        outline, advance = _glyph(f"{ord(c):04X}")
        if outline:
            shapes.append(f'<g transform="translate({x:.0f}, {y}) scale({size / 1000})">{outline}</g>')
        x += advance * size / 1000
    return f'{"".join(shapes)}<text x="{x:.0f}" y="{y}" font-size="0px">{found[3]}'


@lru_cache(maxsize=64)
def _glyph(code: str) -> tuple[str, int]:
    """The outline and advance of a glyph of Verovio's music font; a space where it has none."""
    verovio = importlib.util.find_spec("verovio")  # only its files: the library is loaded by the worker alone
    if not verovio or not verovio.origin:
        return "", SPACE_ADVANCE
    folder = Path(verovio.origin).parent / "data"
    file = folder / "Leipzig" / f"{code}.xml"
    listed = re.search(rf'c="{code}"[^>]*h-a-x="(\d+)"', (folder / "Leipzig.xml").read_text("utf-8"))
    path = re.search(r"<path [^>]*/>", file.read_text("utf-8")) if file.exists() else None
    return (path[0], int(listed[1])) if path and listed else ("", SPACE_ADVANCE)
