"""A piece in cells, cut at its bar lines, so that music which returns is found by comparing numbers.

Where a piece has a pickup it is cut at the upbeats to the bar lines as well, since a section may begin with one. Equal
cells hold the same notes (but for their velocity), chord symbols, meter, key and tempo.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from tunesmith.score import Score

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Cells:
    """The piece in pieces: `times` of the cuts (one more than cells) in ticks, and of each cell its content as `ids`.

    `clean`: at each cut, whether nothing sounds across it; `lines`: whether it is a bar line. `bar`: ticks of a bar.
    """

    times: list[int]
    ids: Ints
    clean: list[bool]
    lines: list[bool]
    bar: int

    @property
    def count(self) -> int:
        """How many cells there are."""
        return len(self.ids)

    def length(self, first: int, last: int) -> int:
        """Ticks from one cut to another."""
        return self.times[last] - self.times[first]


def cells_of(score: Score) -> Cells:
    """The cells of a score that has notes and no repeats."""
    bars = list(score.bars())
    lines = {b.start for b in bars}
    upbeats = {b.end - score.pickup for b in bars if score.pickup and b.end - score.pickup > b.start}
    cuts = sorted(lines | upbeats | {bars[-1].end})
    times = cuts[: bisect_left(cuts, score.end) + 1]  # the last cell ends where the music does, or just after
    content = _content(score, times)
    known: dict[object, int] = {}
    ids = np.array([known.setdefault(cell, len(known)) for cell in content], np.int64)
    return Cells(times, ids, _clean_cuts(score, times), [t in lines for t in times], max(b.end - b.start for b in bars))


def _content(score: Score, times: Sequence[int]) -> list[tuple[object, ...]]:
    """What each cell holds, told from its start, so that equal cells sound equal."""
    cuts = set(times)
    found: list[list[object]] = [[times[i + 1] - times[i]] for i in range(len(times) - 1)]

    def put(onset: int, *what: object) -> None:
        cell = bisect_left(times, onset + 1) - 1
        found[cell].append((onset - times[cell], *what))

    for index, part in enumerate(score.parts):
        for n in part.notes:
            put(n.onset, index, n.duration, n.pitch, n.voice, n.fifths)
    for c in score.chords:
        put(c.onset, "chord", c.duration, c.root, c.quality, c.bass, c.fifths)
    for name, changes in _signatures(score).items():
        state: object = None
        place = 0
        for cell, start in enumerate(times[:-1]):
            while place < len(changes) and changes[place][0] <= start:
                state = changes[place][1]
                place += 1
            found[cell].append((name, state))
        for onset, value in changes:
            if onset not in cuts:
                put(onset, name, value)
    return [tuple(cell) for cell in found]


def _signatures(score: Score) -> dict[str, list[tuple[int, object]]]:
    """Where meter, key and tempo change, and to what; what is said twice is not a change."""
    said: dict[str, list[tuple[int, object]]] = {
        "meter": [(b.start, (b.meter.beats, b.meter.unit)) for b in score.bars()],
        "key": [(k.onset, (k.fifths, k.mode)) for k in score.keys],
        "tempo": [(t.onset, t.bpm) for t in score.tempos],
    }
    return {
        name: [next(group) for _, group in groupby(changes, key=lambda change: change[1])]
        for name, changes in said.items()
    }


def _clean_cuts(score: Score, times: Sequence[int]) -> list[bool]:
    """At each cut, whether no note and no chord symbol sounds across it."""
    sounding = np.zeros(len(times) + 1, np.int64)
    for a, b in [(n.onset, n.end) for n in score.notes()] + [(c.onset, c.end) for c in score.chords]:
        first, last = bisect_right(times, a), bisect_left(times, b)
        if first < last:
            sounding[first] += 1
            sounding[last] -= 1
    return [not crossing for crossing in np.cumsum(sounding)[:-1].tolist()]


def same_music(a: Score, b: Score) -> bool:
    """Whether two scores without repeats are the same but for velocities and for what is said twice."""
    return _audible(a) == _audible(b)


def _audible(score: Score) -> tuple[object, ...]:
    parts = [
        [(n.onset, n.pitch, n.voice, n.duration, n.fifths) for n in part.notes] + [part.name, part.program, part.drums]
        for part in score.parts
    ]
    return parts, score.chords, score.pickup, [(b.start, b.end) for b in score.bars()], _signatures(score)
