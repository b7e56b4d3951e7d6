"""The piano roll and the contour: notes over time as bars, or as lines that go up and down, for any reader."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from tunesmith.plots.drawing import SEQUENCE
from tunesmith.plots.rows import Line, Row, lines_of, plotted
from tunesmith.score import Note, Score

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HALF = 0.4  # of a semitone: half the height of a note in the roll
NOTE_WIDTH, STEP_WIDTH = 3.5, 1.2  # points: of a note in the contour, and of the way to the next one


def piano_roll(score: Score, kind: str = "svg") -> bytes:
    """The notes of a score as bars over time, one colour a part (a voice, where there is one part).

    `kind` is "svg", "png" or "pdf". Drums are drawn like pitches.

    Raises:
        MissingExtra: matplotlib is not installed.
    """
    return plotted(score, lines_of(score, drums=True), _bars, kind)


def surprise_roll(score: Score, groups: Sequence[Sequence[Note]], limits: Sequence[float], kind: str = "svg") -> bytes:
    """The notes of a score as bars over time, darker the more bits they cost.

    `groups`: the notes that cost less than each of the `limits` in turn, and at last the rest. `kind` is "svg", "png"
    or "pdf".

    Raises:
        MissingExtra: matplotlib is not installed.
    """
    names = [f"under {limits[0]:g} bits", *(f"under {most:g}" for most in limits[1:]), f"{limits[-1]:g} and more"]
    lines = [Line(*each) for each in zip(names, SEQUENCE, map(tuple, groups), strict=False)]
    return plotted(score, lines, _bars, kind)


def contour(score: Score, kind: str = "svg") -> bytes:
    """Pitch over time: each part (each voice, where there is one part) as a line from note to note.

    A rest of a bar or more breaks the line; of a chord, it follows the highest note. `kind` is "svg", "png" or
    "pdf". Drums have no pitch and are left out.

    Raises:
        MissingExtra: matplotlib is not installed.
    """
    rest = score.meter_at(0).bar

    def draw(axes: Axes, line: Line, row: Row) -> None:
        _contour(axes, line, row, rest)

    return plotted(score, lines_of(score, drums=False), draw, kind)


def _bars(axes: Axes, line: Line, row: Row) -> None:
    from matplotlib.collections import PolyCollection

    corners = [
        ((n.onset, n.pitch - HALF), (n.onset, n.pitch + HALF), (n.end, n.pitch + HALF), (n.end, n.pitch - HALF))
        for n in line.notes
        if n.onset < row.end and n.end > row.start
    ]
    bars = PolyCollection(corners, facecolors=line.colour, edgecolors="white", linewidths=0.6, zorder=3)
    axes.add_collection(bars, autolim=False)


def _contour(axes: Axes, line: Line, row: Row, rest: int) -> None:
    from matplotlib.collections import LineCollection

    inside = [n for n in line.notes if n.onset < row.end and n.end > row.start]
    held = [((n.onset, n.pitch), (n.end, n.pitch)) for n in inside]
    top = _highest(line.notes)
    steps = [
        ((a.end, a.pitch), (b.onset, b.pitch))
        for a, b in pairwise(top)
        if b.onset - a.end < rest and a.end <= row.end and b.onset >= row.start
    ]
    for segments, width in ((steps, STEP_WIDTH), (held, NOTE_WIDTH)):
        drawn = LineCollection(segments, colors=line.colour, linewidths=width, capstyle="round", zorder=3)
        axes.add_collection(drawn, autolim=False)


def _highest(notes: tuple[Note, ...]) -> list[Note]:
    """The highest of the notes at each onset, in order of time."""
    found = {note.onset: note for note in notes}  # notes of one onset stand from low to high
    return [found[onset] for onset in sorted(found)]
