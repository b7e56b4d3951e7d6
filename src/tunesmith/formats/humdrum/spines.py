"""Spines: the columns of a Humdrum file, and how they split, join, change places, begin and end.

    *^  split in two          *+  a new spine begins to the right of this one
    *v  join with neighbours  *x  two spines change places          *-  the spine ends

Source: https://www.humdrum.org/guide/ch05/ ("Spine paths").
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby

from tunesmith.errors import FormatError
from tunesmith.score import DEFAULT_VELOCITY

PATHS = frozenset(("*^", "*v", "*x", "*+", "*-"))
MOST_SPINES = 512  # open at once; the largest orchestral scores have fewer than 150


@dataclass(slots=True, eq=False)
class Sounding:
    """A note as it grows by its ties: [onset, end) in ticks. `stroke`: it has no pitch (R)."""

    onset: int
    end: int
    pitch: int
    fifths: int
    layer: int
    velocity: int
    stroke: bool = False


@dataclass(slots=True, eq=False)
class Spine:
    """A spine from its `**` on: what it holds, what it says of its instrument, and its notes.

    `part` and `staves`: the numbers of `*part2` and `*staff3/4`. `transposed`: how far its notes have been moved away
    from sounding pitch, in (diatonic steps, semitones). `tied`: notes waiting for the rest of their tie, by pitch.
    `stroke`: where its first stroke without pitch stands, (line, field).
    """

    kind: str
    number: int  # from 1, in the order in which spines began
    part: int | None = None
    staves: tuple[int, ...] = ()
    name: str = ""
    instrument: str = ""
    family: str = ""
    transposed: tuple[int, int] = (0, 0)
    signature: int | None = None
    velocity: int = DEFAULT_VELOCITY
    stroke: tuple[int, int] | None = None
    notes: list[Sounding] = field(default_factory=list)
    tied: dict[int, list[Sounding]] = field(default_factory=dict)
    symbols: list[tuple[int, str]] = field(default_factory=list)  # chord symbols, at ticks


@dataclass(slots=True, eq=False)
class Column:
    """One column: a spine, or one of the layers into which it has split.

    `layer`: which one, from 1. `end`: when the note or rest in it ends, in parts of a tick (see `Timeline`).
    `rests`: it is a rest. `idle`: nothing has begun in it since the layer began or fell silent.
    """

    spine: Spine
    layer: int = 1
    end: int = 0
    rests: bool = True
    idle: bool = True


def follow(columns: list[Column], fields: list[str]) -> list[Column]:
    """The columns below a line with spine paths. A new spine has no kind yet: the next line names it.

    Raises:
        FormatError: paths that cannot be followed.
    """
    result: list[Column] = []
    exchanging = -1  # where the first of two stands
    for sign, run in groupby(zip(columns, fields, strict=True), key=lambda pair: pair[1]):
        group = [column for column, _ in run]
        if sign == "*v":
            result += _joined(group)
            continue
        for column in group:
            if sign == "*-":
                continue
            result.append(column)
            if sign == "*^":
                result.append(_split(column, columns + result))
            elif sign == "*+":
                result.append(Column(Spine("", 0), end=column.end))
            elif sign == "*x" and exchanging < 0:
                exchanging = len(result) - 1
            elif sign == "*x":
                result[exchanging], result[-1] = result[-1], result[exchanging]
                exchanging = -1
    if exchanging >= 0:
        raise FormatError("*x stands in one spine where two change places", fix="write *x in both")
    if len(result) > MOST_SPINES:
        raise FormatError(f"more than {MOST_SPINES} spines")
    return result


def _split(column: Column, others: list[Column]) -> Column:
    """The new layer to the right of a column: it takes the lowest number that is free."""
    taken = {other.layer for other in others if other.spine is column.spine}
    layer = next(number for number in range(1, len(taken) + 2) if number not in taken)
    return Column(column.spine, layer, column.end, column.rests)


def _joined(run: list[Column]) -> list[Column]:
    """Neighbours that all say `*v`: the layers of each spine join; where every spine has but one, all of them do."""
    groups = [list(group) for _, group in groupby(run, key=lambda column: id(column.spine))]
    if all(len(group) == 1 for group in groups):
        groups = [run]
    for group in groups:
        group[0].end = max(column.end for column in group)
        group[0].layer = min(c.layer for c in group if c.spine is group[0].spine)
    return [group[0] for group in groups]
