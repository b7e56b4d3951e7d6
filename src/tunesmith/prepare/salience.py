"""How likely each note is to belong to the melody: a logistic model over what can be seen around it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import accumulate, groupby
from math import log2
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

from tunesmith.score import TPQ, Note

# What is looked at, with weights (log odds) fitted on the vocal lines of songs with piano and the sopranos of hymns.
WEIGHTS = {
    "always": -1.48,
    "nothing above sounds": 0.64,
    "one note above sounds": -0.79,
    "nothing above begins": 2.29,
    "one note above begins": 0.63,
    "room below": -0.08,  # to the next note that sounds, in octaves, at most one
    "room above": -0.21,
    "nothing below sounds": 0.58,
    "notes alike": 0.81,  # that begin and end with it, of three
    "any alike": -1.67,
    "length": 0.76,  # log2 of quarter notes
    "oddness of length": -0.44,  # distance from a quarter note
    "height": 1.59,  # octaves above G4
    "distance from G4": -3.31,  # squared octaves
    "doubled": 2.44,  # at the same pitch
    "begins alone": -0.97,
    "notes at once": -0.78,  # of six
    "longer than around": -0.59,  # log2, against the notes within a half note
    "above the top": -0.75,  # octaves, against the highest notes within a whole note
    "onsets during": 0.78,  # of six
    "step after": 0.48,  # some note follows at one or two semitones
    "step before": 0.76,
    "repeated after": 0.25,
    "repeated before": 0.37,
    "octave": 0.16,  # some octave of it begins at once
    "above the middle": 0.95,  # octaves, against the notes within a half note
}
OF_VOICES = "distance from G4"  # says where voices sing best: nothing about instruments


def salience(notes: Sequence[Note], sung: bool = True) -> NDArray[np.float64]:
    """The log odds of each note, in order of onset, to be the melody's; one that is not `sung` may lie anywhere."""
    weights = WEIGHTS if sung else WEIGHTS | {OF_VOICES: 0.0}
    odds: NDArray[np.float64] = features(notes) @ np.array(list(weights.values()))
    return odds


def features(notes: Sequence[Note]) -> NDArray[np.float64]:
    """What `WEIGHTS` names. # (note, feature)"""
    rows = [[*a, *b] for a, b in zip(_at_once(notes), _around(notes), strict=True)]
    return np.array(rows, np.float64).reshape(len(notes), len(WEIGHTS))


def _at_once(notes: Sequence[Note]) -> Iterator[list[float]]:
    """What can be seen at the onset of each note."""
    held: dict[int, list[int]] = {}  # the two last ends by pitch: enough to see what is doubled, and never many
    for onset, group in groupby(notes, key=attrgetter("onset")):
        new = list(group)
        held = {p: over for p, ends in held.items() if (over := [e for e in ends if e > onset])}
        for n in new:
            held[n.pitch] = sorted([*held.get(n.pitch, ()), n.end])[-2:]
        sounding, beginning = sorted(p for p, ends in held.items() for _ in ends), sorted(n.pitch for n in new)
        alike = Counter(n.end for n in new)
        yield from (_stance(n, sounding, beginning, alike[n.end] - 1) for n in new)


def _stance(note: Note, sounding: Sequence[int], beginning: Sequence[int], alike: int) -> list[float]:
    below, upto = bisect_left(sounding, note.pitch), bisect_right(sounding, note.pitch)
    above = len(sounding) - upto
    above_new = len(beginning) - bisect_right(beginning, note.pitch)
    length, height = log2(note.duration / TPQ), (note.pitch - 67) / 12
    return [
        1,
        above == 0,
        above == 1,
        above_new == 0,
        above_new == 1,
        min(note.pitch - sounding[below - 1], 12) / 12 if below else 1,
        min(sounding[upto] - note.pitch, 12) / 12 if above else 0,
        below == 0,
        min(alike, 3) / 3,
        alike > 0,
        length,
        abs(length),
        height,
        height**2,
        upto - below > 1,
        len(beginning) == 1,
        min(len(sounding), 6) / 6,
    ]


def _around(notes: Sequence[Note]) -> Iterator[list[float]]:
    """What can be seen before and after each note."""
    starts: dict[int, set[int]] = defaultdict(set)
    ends: dict[int, set[int]] = defaultdict(set)
    for n in notes:
        starts[n.onset].add(n.pitch)
        ends[n.end].add(n.pitch)
    onsets = sorted(starts)
    every = _Around([n.onset for n in notes], [log2(n.duration / TPQ) for n in notes])
    middle = _Around(every.places, [n.pitch for n in notes])
    top = _Around(onsets, [max(starts[t]) for t in onsets])
    for n in notes:
        after, before = starts.get(n.end, set()), ends.get(n.onset, set())
        yield [
            log2(n.duration / TPQ) - every.mean(n.onset, 2 * TPQ),
            (n.pitch - top.mean(n.onset, 4 * TPQ)) / 12,
            min(bisect_left(onsets, n.end) - bisect_right(onsets, n.onset), 6) / 6,
            any(n.pitch + step in after for step in (-2, -1, 1, 2)),
            any(n.pitch + step in before for step in (-2, -1, 1, 2)),
            n.pitch in after,
            n.pitch in before,
            any(p != n.pitch and (p - n.pitch) % 12 == 0 for p in starts[n.onset]),
            (n.pitch - middle.mean(n.onset, 2 * TPQ)) / 12,
        ]


class _Around:
    """Means of values over stretches of time around a place."""

    def __init__(self, places: list[int], values: Sequence[float]) -> None:
        self.places, self.sums = places, list(accumulate(values, initial=0.0))

    def mean(self, place: int, reach: int) -> float:
        """The mean of the values from `reach` ticks before the place to `reach` after."""
        first, last = bisect_left(self.places, place - reach), bisect_right(self.places, place + reach)
        return (self.sums[last] - self.sums[first]) / (last - first)
