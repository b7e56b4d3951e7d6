"""Quantising: notes to the places that notation has."""

from __future__ import annotations

import dataclasses
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from tunesmith.scheme.vocabulary import GRID, representable
from tunesmith.score import TPQ, Chord, Key, Meter, Note, Score

SLACK = TPQ // 8  # gaps and overlaps up to this are how a player joins notes, not rests or second voices

# steps in a quarter note -> what a note on it must gain in accuracy (in quarters a note) to be worth it
SUBDIVISIONS = {2: 0.0, 4: 0.004, 3: 0.008, 8: 0.022, 6: 0.024, 12: 0.05}

Change = TypeVar("Change", Meter, Key)


def on_grid(ticks: int) -> bool:
    """Whether a place is one that notation has: 48ths, fifths or sevenths of a quarter note."""
    inside = ticks % TPQ
    return inside % GRID == 0 or inside % (TPQ // 5) == 0 or inside % (TPQ // 7) == 0


def quantise(score: Score) -> Score:
    """Move every note to the grid: for each quarter note the subdivision that fits its onsets best.

    A score whose times are on the grid already comes back unchanged. Subdivisions (`SUBDIVISIONS`) compete by
    their mean error plus a price for fineness, so triplets are found where they were played and nowhere else.
    Ends snap to the next onset of the part when they are near it.
    """
    parts = tuple(p if p.drums else dataclasses.replace(p, notes=_quantise_notes(p.notes)) for p in score.parts)
    chords = score.chords if _exact_chords(score.chords) else tuple(_quantise_chords(score.chords))
    pickup = score.pickup if _exact_pickup(score.pickup) else _nearest(score.pickup, 4)
    meters, keys = _quantise_changes(score.meters), _quantise_changes(score.keys)
    if (parts, chords, pickup, meters, keys) == (score.parts, score.chords, score.pickup, score.meters, score.keys):
        return score
    return score.replace(parts=parts, chords=chords, pickup=pickup, meters=meters, keys=keys)


def _exact_pickup(pickup: int) -> bool:
    return pickup == 0 or (on_grid(pickup) and representable(pickup))


def _quantise_changes(changes: tuple[Change, ...]) -> tuple[Change, ...]:
    """Changes of meter or key, those off the grid moved to sixteenths; of several at one place the last."""
    moved = [c if on_grid(c.onset) else dataclasses.replace(c, onset=_nearest(c.onset, 4)) for c in changes]
    return tuple({c.onset: c for c in moved}.values()) if moved != list(changes) else changes


def _exact_chords(chords: Sequence[Chord]) -> bool:
    apart = all(a.end <= b.onset for a, b in pairwise(chords))
    return apart and all(on_grid(c.onset) and representable(c.duration) for c in chords)


def _quantise_chords(chords: Iterable[Chord]) -> Iterable[Chord]:
    """Chord symbols on eighth notes, each at the longest to the next."""
    moved = sorted((dataclasses.replace(c, onset=_nearest(c.onset, 2)) for c in chords), key=lambda c: c.onset)
    for index, chord in enumerate(moved):
        end = chord.onset + max(TPQ // 2, _nearest(chord.duration, 2))
        end = min([end, *(c.onset for c in moved[index + 1 : index + 2])])
        if end > chord.onset:
            yield dataclasses.replace(chord, duration=end - chord.onset)


def _quantise_notes(notes: tuple[Note, ...]) -> tuple[Note, ...]:
    if all(on_grid(n.onset) and on_grid(n.end) and representable(n.duration) for n in notes):
        return notes
    onsets = np.array(sorted({n.onset for n in notes}))
    steps = {beat: _best_subdivision(onsets[beats]) for beat, beats in _by_beat(onsets)}
    moved = {int(t): _nearest(int(t), steps[_beat(int(t))]) for t in onsets}
    places = sorted(set(moved.values()))
    quantised = []
    for n in notes:
        onset, step = moved[n.onset], TPQ // steps[_beat(n.onset)]
        end = _end(n, onset, step, places, steps.get(_beat(n.end), TPQ // step))
        quantised.append(dataclasses.replace(n, onset=onset, duration=end - onset))
    return tuple(quantised)


def _beat(ticks: int) -> int:
    """The quarter note that a place belongs to; what comes a little early belongs to the next."""
    return (ticks + TPQ // 16) // TPQ


def _by_beat(onsets: NDArray[np.int64]) -> Iterable[tuple[int, NDArray[np.intp]]]:
    beats = (onsets + TPQ // 16) // TPQ
    for beat in np.unique(beats):
        yield int(beat), np.flatnonzero(beats == beat)


def _best_subdivision(onsets: NDArray[np.int64]) -> int:
    def cost(steps: int) -> float:
        grid = TPQ / steps
        error = np.abs(onsets / grid - np.round(onsets / grid)) * grid / TPQ
        merged = len(onsets) - len(np.unique(np.round(onsets / grid)))  # two notes made one is the worst error
        return float(error.mean()) + SUBDIVISIONS[steps] + 0.2 * merged

    return min(SUBDIVISIONS, key=cost)


def _nearest(ticks: int, steps: int) -> int:
    grid = TPQ // steps
    return (ticks + grid // 2) // grid * grid


def _end(note: Note, onset: int, step: int, places: Sequence[int], steps: int) -> int:
    """Where a note ends: at the next onset when it nearly reaches it or runs a little over, else on the grid."""
    following = bisect_right(places, onset)
    if following < len(places) and -SLACK <= places[following] - note.end <= SLACK:
        return places[following]
    return max(onset + step, _nearest(note.end, steps))
