"""Frames: rows of viewpoints along a row of events, as arrays; and what can be done to them as arrays.

To move music to another key, to tell how long it still goes on, or to keep quiet about its key and meter, frames need
not be computed again.
"""

from __future__ import annotations

from array import array

import numpy as np
from numpy.typing import NDArray

from tunesmith.models import Song
from tunesmith.models.spec import IntArray
from tunesmith.scheme import vocabulary as v
from tunesmith.scheme.cursor import Cursor
from tunesmith.scheme.viewpoints import (
    BARS_AGO,
    BARS_LEFT,
    COLUMNS,
    FUNCTIONS,
    OTHERS,
    PITCHED,
    PLACE,
    REMEMBERED,
    SYMBOL,
    VIEWPOINTS,
)

_BARS_LEFT = PLACE["bars left"]
_PITCHED = [PLACE[p.name] for p in VIEWPOINTS if p.kind == PITCHED]
_SYMBOL = [PLACE[p.name] for p in VIEWPOINTS if p.kind == SYMBOL]
# What the key of a piece decides, chord symbols aside, and what its meter does
_OF_KEY = [PLACE[name] for name in ("degree", "mode", *(f"voice {place:+d} degree" for place in OTHERS))]
_BARS_AGO = [f"{bars} bars ago {what}" for bars in BARS_AGO for what in ("interval", "length")]
_OF_METER = [PLACE[name] for name in ("meter", "position", "strength", "bar in phrase", "bars left", *_BARS_AGO)]
_PITCHES_AGO = [PLACE[f"{bars} bars ago"] for bars in BARS_AGO]
_BEFORE = PLACE["previous symbol"], PLACE["previous duration"]


def frame(cursor: Cursor, bars_left: int = 0) -> list[int]:
    """The frame at a cursor: `COLUMNS` integers. `bars_left` counts the bars to the end, 0 = not told."""
    row: list[int] = []
    for function in FUNCTIONS:
        row += function(cursor)
    row[_BARS_LEFT] = bars_left
    return row


def frames(events: list[tuple[int, int]]) -> NDArray[np.int16]:
    """The frames (T, COLUMNS) of a row of events, bars left not told."""
    cursor, values = Cursor(), array("h")
    for symbol, duration in events:
        values.extend(frame(cursor))
        cursor.advance(symbol, duration)
    return np.array(values, np.int16).reshape(-1, COLUMNS)


def as_song(events: list[tuple[int, int]]) -> Song:
    """A row of events as models see it, bars left not told."""
    pairs = np.array(events, np.int16)
    return Song(frames(events), pairs[:, 0], pairs[:, 1])


def tell_bars_left(rows: IntArray, last_bar: int) -> IntArray:
    """Frames that also tell how many bars are left, this one included, when the last bar is `last_bar`."""
    told = rows.copy()
    told[..., PLACE["bars left"]] = bars_left(rows[..., PLACE["bar"]].astype(int), last_bar)
    return told


def bars_left(bar: IntArray | int, last_bar: int) -> IntArray:
    """The value of the column "bars left" in a bar of a piece whose last bar is `last_bar`."""
    left: IntArray = np.clip(last_bar - np.asarray(bar) + 1, 1, BARS_LEFT - 1)
    return left


def transpose(rows: IntArray, semitones: int) -> IntArray:
    """Frames moved by semitones, as if the music had been transposed and then encoded."""
    if semitones == 0:
        return rows
    moved = rows.copy()
    for place in _PITCHED:
        column = moved[..., place]
        moved[..., place] = np.where(column > 0, np.clip(column + semitones, 1, v.PITCH.size), 0)
    table = np.concatenate([[0], v.transposition(semitones) + 1])
    for place in _SYMBOL:
        moved[..., place] = table[moved[..., place]]
    for name in ("floor", "reference", *REMEMBERED):
        column = moved[..., PLACE[name]]
        moved[..., PLACE[name]] = np.where(column >= 0, np.clip(column + semitones, 0, 127), -1)
    tonic = moved[..., PLACE["tonic"]]
    moved[..., PLACE["tonic"]] = np.where(tonic >= 0, (tonic + semitones) % 12, -1)
    return moved


def untold(rows: IntArray, key: bool = False, meter: bool = False) -> IntArray:
    """Frames that say nothing of the key, or of the meter, of a piece without chord symbols."""
    rows = rows.copy()
    before = rows[..., _BEFORE[0]] - 1
    for hidden, columns, kind in ((key, _OF_KEY, v.KEY), (meter, _OF_METER, v.METER)):
        if hidden:
            rows[..., columns] = 0
            for place in _BEFORE:
                rows[..., place][(before >= kind.first) & (before < kind.end)] = 0
    if key:
        rows[..., PLACE["tonic"]] = -1
    if meter:
        rows[..., _PITCHES_AGO] = -1
    return rows
