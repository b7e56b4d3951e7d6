"""Music over time in rows, as text is in lines: pitch upwards, bar lines, note names in the piece's own spelling."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tunesmith import theory
from tunesmith.plots.drawing import COLOURS, GRID, SHADE, figure, rendered, shown
from tunesmith.score import TPQ, Bar, Key, Note, Score

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROW_BARS = 32  # a longer piece takes several rows
PHRASE = 4  # bars, as most phrases have: rows begin with one, and its bar line is darker
MOST_ROWS = 60  # a piece of more than 1920 bars has longer ones
BLACK_KEYS = frozenset((1, 3, 6, 8, 10))
PHRASE_LINE, BAR_LINE = ("#808080", 1.0), (GRID, 0.7)  # colour, width in points
MOST_BAR_NAMES = 16  # in a row; else every fourth is named, ...
# inches
WIDTH = (8.0, 16.0)
BAR_WIDTH = 0.5
ROW_HEIGHT = (1.6, 6.0)
PITCH_HEIGHT = 0.13  # of a semitone
NAME_HEIGHT = 0.15  # of the letters on the axis
LEFT, RIGHT, TOP, BOTTOM, BETWEEN = 0.65, 0.2, 0.5, 0.75, 0.5
PAGE = (11.69, 8.27)  # of a PDF: A4, on its side


@dataclass(frozen=True, slots=True)
class Row:
    """A stretch [start, end) of the music, in ticks, with its bars and the key at its start."""

    start: int
    end: int
    bars: tuple[Bar, ...]
    key: Key


@dataclass(frozen=True, slots=True)
class Line:
    """Notes that share a colour, and what the legend calls them."""

    name: str
    colour: str
    notes: tuple[Note, ...]


Draw = Callable[["Axes", Line, Row], object]


def plotted(score: Score, lines: Sequence[Line], draw: Draw, kind: str) -> bytes:
    """A picture of lines of notes over time; `draw` draws those of a row. `kind`: "svg", "png", or "pdf" of pages.

    Raises:
        MissingExtra: matplotlib is not installed.
    """
    pitches = [note.pitch for line in lines for note in line.notes] or [60]
    span = min(pitches) - 2, max(pitches) + 2
    rows = list(rows_of(score))
    high = min(ROW_HEIGHT[1], max(ROW_HEIGHT[0], PITCH_HEIGHT * (span[1] - span[0])))
    each = len(rows)
    if kind == "pdf":
        each = max(1, int((PAGE[1] - TOP - BOTTOM + BETWEEN) / (high + BETWEEN)))
    figures = []
    for first in range(0, len(rows), each):
        page = _page(rows[first : first + each], high, kind)
        for row, axes in zip(rows[first:], page.axes, strict=False):
            _scaffold(axes, row, span, high)
            for line in lines:
                draw(axes, line, row)
        _words(page, score if first == 0 else None, lines)
        figures.append(page)
    return rendered(figures, kind)


def lines_of(score: Score, *, drums: bool) -> list[Line]:
    """What has a colour of its own: a part, or a voice where one part plays; `drums`: the drums as well."""
    chosen = [(n, p) for n, p in enumerate(score.parts, 1) if p.notes and (drums or not p.drums)]
    found: dict[str, list[Note]] = {}
    for number, part in chosen:
        name = shown(part.name) or f"part {number}"
        name += f" ({number})" if sum(p.name == part.name for _, p in chosen) > 1 else ""
        for note in part.notes:
            found.setdefault(name if len(chosen) > 1 else f"voice {note.voice}", []).append(note)
    colours = COLOURS * (len(found) // len(COLOURS) + 1)
    return [Line(name, colour, tuple(notes)) for (name, notes), colour in zip(found.items(), colours, strict=False)]


def rows_of(score: Score) -> Iterator[Row]:
    """The rows of a piece, equally long but for the last; an empty piece has one, of a bar."""
    bars = list(score.bars())
    if not bars:
        yield Row(0, 4 * TPQ, (), score.key_at(0))
    first = int(bool(bars) and bars[0].number == 0)  # a pickup goes with the first full bar
    count = len(bars) - first
    rows = min(MOST_ROWS, max(1, math.ceil(count / ROW_BARS)))
    length = PHRASE * math.ceil(count / rows / PHRASE) if rows > 1 else count
    for start in range(0, count, max(length, 1)):
        own = bars[start + first if start else 0 : start + first + length]
        end = own[0].start + sum(bar.end - bar.start for bar in bars[:length]) if start else own[-1].end
        yield Row(own[0].start, max(end, own[-1].end), tuple(own), score.key_at(own[0].start))


def names(span: tuple[int, int], key: Key, most: int) -> dict[int, str]:
    """Pitch -> name of the notes to name on an axis: all of the key's scale, or its triad, or its tonic."""
    low, high = span
    scale = theory.scale(key.fifths)
    degrees = [scale[(scale.index(key.tonic) + step) % 7] for step in range(7)]
    for chosen in (degrees, [degrees[0], degrees[2], degrees[4]], degrees[:1]):
        pitches = [pitch for pitch in range(low, high + 1) if pitch % 12 in chosen]
        if len(pitches) <= most:
            break
    spelled = {pitch: theory.spell(pitch, key.fifths, key.mode) for pitch in pitches}
    return {p: theory.note_name(fifths) + str(theory.octave(p, fifths)) for p, fifths in spelled.items()}


def _page(rows: Sequence[Row], high: float, kind: str) -> Figure:
    """A figure with axes for each row, `high` inches each."""
    bars = max(len(row.bars) for row in rows)
    width = PAGE[0] if kind == "pdf" else min(WIDTH[1], max(WIDTH[0], BAR_WIDTH * bars))
    needed = TOP + BOTTOM + len(rows) * (high + BETWEEN) - BETWEEN
    height = max(needed, PAGE[1]) if kind == "pdf" else needed
    page = figure(width, height)
    for place in range(len(rows)):
        bottom = height - TOP - high - place * (high + BETWEEN)
        page.add_axes((LEFT / width, bottom / height, (width - LEFT - RIGHT) / width, high / height))
    return page


def _scaffold(axes: Axes, row: Row, span: tuple[int, int], high: float) -> None:
    from matplotlib.collections import LineCollection, PolyCollection

    low, top = span[0] - 0.5, span[1] + 0.5
    black = [pitch for pitch in range(span[0], span[1] + 1) if pitch % 12 in BLACK_KEYS]
    left, right = row.start, row.end
    keys = [((left, p - 0.5), (left, p + 0.5), (right, p + 0.5), (right, p - 0.5)) for p in black]
    axes.add_collection(PolyCollection(keys, facecolors=SHADE, linewidths=0, zorder=0), autolim=False)
    lines = [((bar.start, low), (bar.start, top)) for bar in row.bars]
    styles = [PHRASE_LINE if bar.number % PHRASE == 1 else BAR_LINE for bar in row.bars]
    axes.add_collection(
        LineCollection(lines, colors=[c for c, _ in styles], linewidths=[w for _, w in styles], zorder=1), autolim=False
    )
    step = next((n for n in (1, 4, 8, 16) if len(row.bars) <= n * MOST_BAR_NAMES), len(row.bars) // MOST_BAR_NAMES + 1)
    named = [bar for bar in row.bars if bar.number % step == (1 if step > 1 else 0)]
    axes.set_xticks([bar.start for bar in named], [str(bar.number) for bar in named])
    found = names(span, row.key, int(high / NAME_HEIGHT))
    axes.set_yticks(list(found), list(found.values()))
    axes.tick_params(length=0, labelsize=8)
    axes.set_xlim(row.start, row.end)
    axes.set_ylim(low, top)


def _words(page: Figure, score: Score | None, lines: Sequence[Line]) -> None:
    """The title (of the first page's score), the axis' name and the legend."""
    from matplotlib.lines import Line2D

    width, height = page.get_size_inches()
    if score is not None and score.title:
        most = int(width * 9)  # letters
        title = shown(score.title)
        title = title if len(title) <= most else title[: most - 3] + "..."
        page.text(0.5, 1 - 0.6 * TOP / height, title, size=13, ha="center", parse_math=False)
    lowest = page.axes[-1].get_position().y0
    page.text((LEFT + (width - LEFT - RIGHT) / 2) / width, lowest - 0.4 / height, "bar", size=10, ha="center")
    if len(lines) > 1:
        handles = [Line2D([], [], color=line.colour, linewidth=5) for line in lines]
        labels = [line.name.replace("$", r"\$") for line in lines]
        page.legend(handles, labels, frameon=False, ncols=8, fontsize=8, loc="lower center")
