"""The score as a PDF: pages for printing, with fonts inside and text that can be searched and copied.

Lengths are tenths of a millimetre, as in Verovio's options, or points (1/72 inch), as in PDF, and say so.
The same score gives the same bytes: no date, no random name.
"""

from __future__ import annotations

import dataclasses
import io
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tunesmith import __version__
from tunesmith.errors import FormatError, MissingExtra
from tunesmith.formats import musicxml
from tunesmith.formats.picture import scroll, sections, signs
from tunesmith.score import Score

if TYPE_CHECKING:
    from tunesmith.formats.picture.lettering import Lettering

PAPERS = {"a4": (2100, 2970), "letter": (2159, 2794)}  # width and height, tenths of a millimetre
MARGIN, BOTTOM = 150, 180  # tenths of a millimetre; the page number stands in the bottom
POINTS = 72 / 254  # a tenth of a millimetre
# the most staves of a system -> the height of a staff in tenths of a millimetre: engravers' rastral sizes 3, 5, 7, 8
STAFF_HEIGHTS = ((2, 70), (5, 60), (10, 48), (math.inf, 37))
OPTIONS: dict[str, object] = scroll.OPTIONS | {
    "adjustPageHeight": False,
    "breaksNoWidow": True,
    "justifyVertically": True,
    "pageMarginBottom": BOTTOM,
    "pageMarginLeft": MARGIN,
    "pageMarginRight": MARGIN,
    "pageMarginTop": MARGIN,
    "shrinkToFit": True,  # a system higher than the page
    "xmlIdSeed": 1,
}
# Verovio gives a row of a heading, and one step of the margin under it, so many units (half staff spaces), each
ROW_UNITS, GAP_UNITS, MOST_GAPS = 3.955, 1.0, 24
TITLE, COMPOSER, NUMBER = ("bold", 20.0), ("regular", 12.0), ("regular", 10.0)  # style, size in points
TITLE_LINES = 3
LEADING = 1.25  # the distance of lines, in sizes
AIR = 15.0  # points under the heading
NUMBER_HEIGHT = 90 * POINTS  # above the edge of the page


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the heading: `drop` is its baseline under the top margin, `align` -1 left, 0 centre, 1 right."""

    text: str
    style: str
    size: float  # points
    drop: float  # points
    align: int


def pdf(score: Score, paper: str = "a4", fermata: bool = False) -> bytes:
    """The score as a PDF on `paper`, one of `PAPERS`.

    Raises:
        MissingExtra: reportlab is not installed.
        FormatError: MusicXML cannot hold the score, or it cannot be engraved.
    """
    try:
        from tunesmith.formats.picture.lettering import Lettering
        from tunesmith.formats.picture.walker import Walker
    except ImportError as error:
        raise MissingExtra("reportlab, which PDF needs,", "pdf") from error
    width, height = PAPERS[paper]
    result = io.BytesIO()
    canvas = _canvas(result, score, (width * POINTS, height * POINTS))
    letters, walker = Lettering(canvas), Walker(canvas)
    heading = _heading(score, letters, (width - 2 * MARGIN) * POINTS)
    for number, page in enumerate(_pages(score, paper, fermata, heading), 1):
        canvas.saveState()
        canvas.transform(POINTS, 0, 0, -POINTS, 0, height * POINTS)
        _draw(walker, page)
        canvas.restoreState()
        for line in heading if number == 1 else [Line(str(number), *NUMBER, _number_drop(height), 0)]:
            _set(letters, line, width, height)
        canvas.showPage()
    canvas.save()
    return result.getvalue()


def _canvas(file: io.BytesIO, score: Score, size: tuple[float, float]) -> Any:
    from reportlab.pdfgen.canvas import Canvas

    from tunesmith.formats.picture.lettering import font_name, readable

    canvas = Canvas(
        file,
        pagesize=size,
        invariant=1,
        pageCompression=1,
        initialFontName=font_name("regular"),  # another one would be named in the file, and not be in it
    )
    canvas.setTitle(readable(score.title) or "Untitled")
    canvas.setAuthor(readable(score.composer))
    canvas.setSubject("Musical score")
    canvas.setKeywords(score.provenance)
    canvas.setCreator(f"Tunesmith {__version__}")
    return canvas


def _pages(score: Score, paper: str, fermata: bool, heading: list[Line]) -> Iterator[str]:
    """The pages as SVG, with room for the heading on the first."""
    piece = sections.Piece.of(signs.without_degrees(musicxml.document(score, fermata).text))
    width, height = PAPERS[paper]
    unit = next(high for most, high in STAFF_HEIGHTS if piece.staves <= most) / 8
    room = ((heading[-1].drop + AIR) / POINTS if heading else 0) / unit
    rows = math.ceil(max(0.0, room - MOST_GAPS * GAP_UNITS) / ROW_UNITS) or bool(heading)
    gaps = min(MOST_GAPS, max(0.0, room - rows * ROW_UNITS) / GAP_UNITS)
    piece = dataclasses.replace(piece, head=sections.with_credit(piece.head, rows) if rows else piece.head)
    sizes = {"pageWidth": width, "pageHeight": height, "unit": unit, "bottomMarginHeader": gaps}
    return sections.pages(piece, {**OPTIONS, **sizes})


def _draw(walker: Any, page: str) -> None:
    try:
        walker.draw(signs.portable(page))
    except ValueError as error:
        raise FormatError(f"the engraved score cannot be drawn: {error}", fix="convert it to .svg or .png") from None


def _heading(score: Score, letters: Lettering, width: float) -> list[Line]:
    """Title and composer; the last line's `drop` is the height of all."""
    found, drop = [], 0.0
    for text in _wrapped(score.title, letters, width):
        drop += TITLE[1] * LEADING
        found.append(Line(text, *TITLE, drop, 0))
    if score.composer:
        drop += COMPOSER[1] * LEADING * 1.5
        fitting = min(1.0, width / letters.width(score.composer, *COMPOSER))
        found.append(Line(score.composer, COMPOSER[0], COMPOSER[1] * fitting, drop, 1))
    return found


def _wrapped(text: str, letters: Lettering, width: float) -> list[str]:
    """Text in lines of a width in points; of more than `TITLE_LINES`, the last ends in dots."""
    lines: list[str] = []
    for word in text.split():
        joined = f"{lines[-1]} {word}" if lines else word
        if lines and letters.width(joined, *TITLE) <= width:
            lines[-1] = joined
            continue
        lines += _broken(word, letters, width)
    if len(lines) > TITLE_LINES:
        last = lines[TITLE_LINES - 1]
        while letters.width(last + "...", *TITLE) > width:
            last = last[:-1]
        lines[TITLE_LINES - 1 :] = [last + "..."]
    return lines


def _broken(word: str, letters: Lettering, width: float) -> list[str]:
    """A word in pieces that fit, as a rule one."""
    pieces = [""]
    for letter in word[:1000]:
        if letters.width(pieces[-1] + letter, *TITLE) > width:
            pieces.append("")
        pieces[-1] += letter
    return pieces


def _number_drop(height: int) -> float:
    return (height - MARGIN) * POINTS - NUMBER_HEIGHT


def _set(letters: Lettering, line: Line, width: int, height: int) -> None:
    """Draw a line; `width` and `height` of the page in tenths of a millimetre."""
    room = (width - 2 * MARGIN) * POINTS - letters.width(line.text, line.style, line.size)
    x = MARGIN * POINTS + room * (line.align + 1) / 2
    letters.draw(line.text, x, (height - MARGIN) * POINTS - line.drop, line.style, line.size)
