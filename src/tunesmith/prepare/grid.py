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
SPREAD, CHORD = TPQ // 16, TPQ // 10  # ticks from one note to the next inside a chord, and of a chord in all

# steps in a quarter note -> how much less usual it is than the plainest, in nats
SUBDIVISIONS = {1: 0.0, 2: 0.7, 4: 2.0, 3: 3.5, 8: 6.0, 6: 6.0, 12: 9.0}
HABIT = 12.0  # quarter notes that this table weighs, against those of the part itself
MERGED = 5.0  # nats: two onsets made one is the worst error
USUAL_ERROR, LEAST_ERROR = 0.03, 0.006  # standard deviation of onsets, in quarter notes

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
    moved = score.replace(parts=parts)
    meters, keys = _quantise_changes(score.meters, moved), _quantise_changes(score.keys, moved)
    if (parts, chords, pickup, meters, keys) == (score.parts, score.chords, score.pickup, score.meters, score.keys):
        return score
    return score.replace(parts=parts, chords=chords, pickup=pickup, meters=meters, keys=keys)


def _exact_pickup(pickup: int) -> bool:
    return pickup == 0 or (on_grid(pickup) and representable(pickup))


def _quantise_changes(changes: tuple[Change, ...], score: Score) -> tuple[Change, ...]:
    """Changes of meter or key, those off the grid moved to sixteenths; of several at one place the last."""
    moved = [c if _fits(c, score) else dataclasses.replace(c, onset=_nearest(c.onset, 4)) for c in changes]
    return tuple({c.onset: c for c in moved}.values()) if moved != list(changes) else changes


def _fits(change: Meter | Key, score: Score) -> bool:
    """Whether a change may stay: in the middle of a quintuplet it would cut notes into lengths that no note has."""
    if change.onset % GRID == 0:
        return True
    # a bar may end inside a tuplet, if no note goes on over its end
    ends = isinstance(change, Meter) and on_grid(change.onset)
    return ends and not any(n.onset < change.onset < n.end for n in score.notes())


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


def _exact(notes: Iterable[Note]) -> bool:
    return all(on_grid(n.onset) and on_grid(n.end) and representable(n.duration) for n in notes)


def _quantise_notes(notes: tuple[Note, ...]) -> tuple[Note, ...]:
    if _exact(notes):
        return notes
    together = _chords(notes)
    onsets = np.array(sorted(set(together)), np.int64)
    steps = _subdivisions(onsets)
    moved = {int(t): _nearest(int(t), steps[_beat(int(t))]) for t in onsets}
    places = sorted(set(moved.values()))
    quantised = []
    for n, heard in zip(notes, together, strict=True):
        onset, step = moved[heard], TPQ // steps[_beat(heard)]
        end = _end(n, onset, step, places, steps.get(_beat(n.end), TPQ // step))
        quantised.append(dataclasses.replace(n, onset=onset, duration=end - onset))
    return tuple(quantised)


def _chords(notes: Sequence[Note]) -> list[int]:
    """For each note, in order of onset, where it is heard: the mean onset of the notes struck together with it."""
    chord: list[Note] = []
    found: list[int] = []
    for n in (*notes, None):
        if chord and (n is None or _apart(chord, n)):
            found += [sum(c.onset for c in chord) // len(chord)] * len(chord)
            chord = []
        if n is not None:
            chord.append(n)
    return found


def _apart(chord: Sequence[Note], n: Note) -> bool:
    """Whether a note comes too late for a chord; a pitch struck again is a new beginning."""
    late = n.onset - chord[-1].onset > SPREAD or n.onset - chord[0].onset > CHORD
    return late or any(c.pitch == n.pitch and c.onset < n.onset for c in chord)


def _beat(ticks: int) -> int:
    """The quarter note that a place belongs to; what comes a little early belongs to the next."""
    return (ticks + TPQ // 16) // TPQ


def _subdivisions(onsets: NDArray[np.int64]) -> dict[int, int]:
    """For each quarter note with onsets (ascending, in ticks) the steps that explain them best.

    How far this part's onsets miss their places, and which steps it likes, is learned from a first round.
    """
    beats, first = np.unique((onsets + TPQ // 16) // TPQ, return_index=True)
    steps = np.array([*SUBDIVISIONS])
    x = onsets[:, None] * steps / TPQ
    errors = np.abs(x - np.round(x)) / steps
    misses = np.add.reduceat(errors**2, first)  # (quarter note, steps)
    prices = np.array([*SUBDIVISIONS.values()]) + MERGED * _merged(np.floor(x + 0.5), first)
    deviation, chosen = USUAL_ERROR, np.zeros(len(beats), np.int64)
    for _ in range(3):
        chosen = np.argmin(misses / (2 * deviation**2) + prices, axis=1)
        missed = misses[np.arange(len(beats)), chosen].sum() + 10 * deviation**2
        deviation = max(LEAST_ERROR, float(np.sqrt(missed / (len(onsets) + 10))))
    return {int(beat): int(steps[c]) for beat, c in zip(beats, chosen, strict=True)}


def _merged(places: NDArray[np.float64], first: NDArray[np.intp]) -> NDArray[np.int64]:
    """How many onsets of each quarter note come to lie on the one before, (quarter note, steps)."""
    same = np.diff(places, axis=0, prepend=np.nan) == 0
    same[first] = False
    result: NDArray[np.int64] = np.add.reduceat(same.astype(np.int64), first)
    return result


def _nearest(ticks: int, steps: int) -> int:
    grid = TPQ // steps
    return (ticks + grid // 2) // grid * grid


def _end(note: Note, onset: int, step: int, places: Sequence[int], steps: int) -> int:
    """Where a note ends: at the next onset when it nearly reaches it or runs a little over, else on the grid."""
    following = bisect_right(places, onset)
    if following < len(places) and -SLACK <= places[following] - note.end <= SLACK:
        return places[following]
    return max(onset + step, _nearest(note.end, steps))
