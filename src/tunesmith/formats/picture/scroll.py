"""The score as one SVG picture: all systems, one below the other."""

from __future__ import annotations

import re
from functools import partial
from html import escape
from itertools import islice
from unicodedata import east_asian_width

from tunesmith.errors import FormatError
from tunesmith.formats import musicxml
from tunesmith.formats.picture import engraver, signs
from tunesmith.formats.picture.heading import composer_lines, title_lines
from tunesmith.score import Score

WIDTH = 1600  # of a picture, in units and pixels
MAX_BARS = 2000  # more would be a picture that nothing can show
MARGIN_SHARE = 23  # the margin is this part of the width
OPTIONS: dict[str, object] = {
    "adjustPageHeight": True,
    "breaks": "auto",
    "condense": "none",  # otherwise systems in which all rest are left out, with their chord symbols
    "footer": "none",
    "header": "none",  # it may cut long titles; ours are set below
    "pageHeight": 60_000,
    "pageMarginBottom": 20,
    "pageMarginTop": 40,
    "scale": 100,
    "smuflTextFont": "none",  # otherwise every picture carries the music font
    "svgFormatRaw": True,
    "svgRemoveXlink": True,
    "svgViewBox": True,
    "unit": 7.2,
}
TITLE, COMPOSER, GAP = 44, 24, 24  # sizes, and the room above each, in units
WIDE, CAPITAL, SMALL = 1.0, 0.72, 0.5  # how wide a character is at the most, as a rule, in sizes
TEXT_FAMILY = 'font-family="Times, serif"'


def svg(score: Score, width: int = WIDTH, heading: bool = True, fermata: bool = False) -> str:
    """The score as one SVG document, `width` units wide, on nothing; `heading`: with title and composer.
    `fermata`: with one at the end.

    Raises:
        FormatError: MusicXML cannot hold the score, or it cannot be engraved.
    """
    if sum(1 for _ in islice(score.bars(), MAX_BARS + 1)) > MAX_BARS:
        raise FormatError(
            f"more than {MAX_BARS} bars are too many for one picture", fix="convert it to .pdf, .musicxml or .mid"
        )
    head, top = _heading(score.title, score.composer, width) if heading else ("", 0)
    placed = []
    for page in _pages(musicxml.document(score, fermata).text, width):
        across, height = size(page)
        placed.append(page.replace("<svg ", f'<svg y="{top}" width="{across}" height="{height}" ', 1))
        top += height
    sizes = f'width="{width}" height="{top}" viewBox="0 0 {width} {top}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {sizes} color="black">{head}{"".join(placed)}</svg>\n'


def size(drawn: str) -> tuple[int, int]:
    """Width and height of an SVG picture, in its units.

    Raises:
        FormatError: it does not say.
    """
    found = re.search(r'viewBox="0 0 (\d+) (\d+)"', drawn)
    if not found:
        raise FormatError("the score cannot be engraved")
    return int(found[1]), int(found[2])


def _pages(text: str, width: int) -> list[str]:
    """MusicXML as SVG pages, `width` units wide; as a rule one page."""
    margin = width // MARGIN_SHARE
    sizes = {"pageWidth": width, "pageMarginLeft": margin, "pageMarginRight": margin, "xmlIdSeed": width}
    pages = engraver.engrave_once(signs.without_degrees(text), tuple((OPTIONS | sizes).items()))
    return [_renamed(signs.portable(page), number) for number, page in enumerate(pages, 1)]


def _renamed(page: str, number: int) -> str:
    """Verovio gives all pages one name, which its style sheet and glyphs go by; they share a picture here."""
    name = re.search(r'<svg [^>]*id="(\w+)"', page)
    return re.sub(rf"\b{name[1]}\b", f"{name[1]}-{number}", page) if name and number > 1 else page


def _heading(title: str, composer: str, width: int) -> tuple[str, int]:
    """Title and composer as SVG text, and the height they take."""
    drawn, top, margin = [], 0, width // MARGIN_SHARE
    for text, lines_of, size, x, anchor in (
        (title, title_lines, TITLE, width // 2, "middle"),
        (composer, composer_lines, COMPOSER, width - margin, "end"),
    ):
        lines = lines_of(text, partial(_fits, ems=(width - 2 * margin) / size))
        top += GAP if lines else 0
        for line in lines:
            top += size * 5 // 4 if line != lines[0] else size
            style = f'{TEXT_FAMILY} font-size="{size}px" fill="currentColor"'
            shown = escape("".join(c if c.isprintable() else " " for c in line))
            drawn.append(f'<text x="{x}" y="{top}" text-anchor="{anchor}" {style}>{shown}</text>')
    return "".join(drawn), top


def _fits(text: str, ems: float) -> bool:
    """Whether a text is no wider than so many times its size: which font a viewer takes is not known."""
    return sum(WIDE if east_asian_width(c) in "WF" else CAPITAL if c.isupper() else SMALL for c in text) <= ems
