"""The score as a PDF: pages for printing, with fonts inside and text that can be searched and copied.

Lengths are tenths of a millimetre, as in Verovio's options, or points (1/72 inch), as in PDF, and say so.
The same score gives the same bytes: no date, no random name.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import io
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tunesmith import __version__
from tunesmith.errors import FormatError, MissingExtra, SongWarning
from tunesmith.formats import musicxml
from tunesmith.formats.picture import scroll, sections, signs
from tunesmith.formats.picture.heading import composer_lines, title_lines
from tunesmith.formats.picture.sheet import Sheet
from tunesmith.score import Score

if TYPE_CHECKING:
    from tunesmith.formats.picture.lettering import Lettering

MARGIN, BOTTOM = 150, 180  # tenths of a millimetre; the page number stands in the bottom
MOST_MARGIN = 500  # that Verovio takes
POINTS = 72 / 254  # a tenth of a millimetre
OPTIONS: dict[str, object] = scroll.OPTIONS | {
    "adjustPageHeight": False,
    "breaksNoWidow": True,
    "justifyVertically": True,
    "shrinkToFit": True,  # where all tries have failed, a system higher than the page
    "xmlIdSeed": 1,
}
# Verovio gives a row of a heading, and one step of the margin under it, so many units (half staff spaces), each
ROW_UNITS, GAP_UNITS, MOST_GAPS = 3.955, 1.0, 24
TITLE, COMPOSER, NUMBER = ("bold", 20.0), ("regular", 12.0), ("regular", 10.0)  # style, size in points
LEADING = 1.25  # the distance of lines, in sizes
ALMOST = 0.999  # fits: the engraver rounds
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


@dataclass(frozen=True, slots=True)
class Printed:
    """A PDF, and what is to be told of it."""

    data: bytes
    remark: SongWarning | None


class TooHigh(Exception):
    """A system is higher than the page; `share` of it would fit."""

    def __init__(self, share: float) -> None:
        super().__init__(share)
        self.share = share


def pdf(score: Score, paper: str = "a4", fermata: bool = False) -> Printed:
    """The score as a PDF on `paper`, one of `sheet.PAPERS`, or on a larger one where a system does not fit.

    Raises:
        MissingExtra: reportlab is not installed.
        FormatError: MusicXML cannot hold the score, or it cannot be engraved.
    """
    if importlib.util.find_spec("reportlab") is None:
        raise MissingExtra("reportlab, which PDF needs,", "pdf")
    piece = sections.Piece.of(signs.without_degrees(musicxml.document(score, fermata).text))
    sheet = Sheet.first(paper, piece.staves)
    while True:
        try:
            return Printed(_printed(score, piece, sheet), sheet.remark())
        except TooHigh as error:
            sheet = sheet.after(error.share)


def _printed(score: Score, piece: sections.Piece, sheet: Sheet) -> bytes:
    from tunesmith.formats.picture.lettering import Lettering
    from tunesmith.formats.picture.walker import Walker

    width, height = sheet.size
    result = io.BytesIO()
    canvas = _canvas(result, score, (width * POINTS, height * POINTS))
    letters, walker = Lettering(canvas), Walker(canvas)
    heading = _heading(score, letters, (width - 2 * MARGIN) * POINTS)
    for number, page in enumerate(_pages(piece, sheet, heading), 1):
        canvas.saveState()
        canvas.transform(POINTS * sheet.zoom, 0, 0, -POINTS * sheet.zoom, 0, height * POINTS)
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


def _pages(piece: sections.Piece, sheet: Sheet, heading: list[Line]) -> Iterator[str]:
    """The pages as SVG, with room for the heading on the first.

    Raises:
        TooHigh: a system does not fit, and another sheet may be tried.
    """
    unit = sheet.staff / 8
    room = ((heading[-1].drop + AIR) / POINTS if heading else 0) / (unit * sheet.zoom)
    rows = math.ceil(max(0.0, room - MOST_GAPS * GAP_UNITS) / ROW_UNITS) or bool(heading)
    gaps = min(MOST_GAPS, max(0.0, room - rows * ROW_UNITS) / GAP_UNITS)
    piece = dataclasses.replace(piece, head=sections.with_credit(piece.head, rows) if rows else piece.head)
    sizes = {"unit": unit, "bottomMarginHeader": gaps} | _size(sheet)
    for page in sections.pages(piece, {**OPTIONS, **sizes}):
        share = fitting(page)
        if share < 1 and not sheet.last:
            raise TooHigh(share)
        yield page


def _size(sheet: Sheet) -> dict[str, int]:
    """The page and its margins as they are engraved, to be printed smaller."""
    width, height = (round(length / sheet.zoom) for length in sheet.size)
    margin, bottom = (min(MOST_MARGIN, round(length / sheet.zoom)) for length in (MARGIN, BOTTOM))
    sides = {f"pageMargin{side}": margin for side in ("Left", "Right", "Top")}
    return {"pageWidth": width, "pageHeight": height, "pageMarginBottom": bottom, **sides}


def fitting(page: str) -> float:
    """How much of the height of an engraved page fits on paper, 0 to 1: it is made higher for a system that is."""
    views = [(int(w), int(h)) for w, h in re.findall(r'viewBox="0 0 (\d+) (\d+)"', page)[:2]]
    if len(views) < 2:
        return 1.0
    (width, height), (across, down) = views
    share = (height / width) / (down / across)
    return share if share < ALMOST else 1.0


def _draw(walker: Any, page: str) -> None:
    try:
        walker.draw(signs.portable(page))
    except ValueError as error:
        raise FormatError(f"the engraved score cannot be drawn: {error}", fix="convert it to .svg or .png") from None


def _heading(score: Score, letters: Lettering, width: float) -> list[Line]:
    """Title and composer; the last line's `drop` is the height of all."""
    found, drop = [], 0.0
    composer = composer_lines(score.composer, lambda text: letters.width(text, *COMPOSER) <= width)
    for text in title_lines(score.title, lambda text: letters.width(text, *TITLE) <= width):
        drop += TITLE[1] * LEADING
        found.append(Line(text, *TITLE, drop, 0))
    drop += COMPOSER[1] * LEADING / 2 if composer else 0.0
    for text in composer:
        drop += COMPOSER[1] * LEADING
        found.append(Line(text, *COMPOSER, drop, 1))
    return found


def _number_drop(height: int) -> float:
    return (height - MARGIN) * POINTS - NUMBER_HEIGHT


def _set(letters: Lettering, line: Line, width: int, height: int) -> None:
    """Draw a line; `width` and `height` of the page in tenths of a millimetre."""
    room = (width - 2 * MARGIN) * POINTS - letters.width(line.text, line.style, line.size)
    x = MARGIN * POINTS + room * (line.align + 1) / 2
    letters.draw(line.text, x, (height - MARGIN) * POINTS - line.drop, line.style, line.size)
