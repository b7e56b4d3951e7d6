"""From a score as it was read to one that can be learned from: on a grid, in a key, in voices.

`prepare` is the whole of it; a score that is exact already comes out as it went in, but for a missing key.
"""

from __future__ import annotations

import dataclasses
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from tunesmith import theory
from tunesmith.scheme.vocabulary import GRID, representable
from tunesmith.score import TPQ, Chord, Key, Meter, Note, Score

MAX_PART_VOICES = 4  # a part that would need more has its longest notes cut short instead
SLACK = TPQ // 8  # gaps and overlaps up to this are how a player joins notes, not rests or second voices

# steps in a quarter note -> what a note on it must gain in accuracy (in quarters a note) to be worth it
SUBDIVISIONS = {2: 0.0, 4: 0.004, 3: 0.008, 8: 0.022, 6: 0.024, 12: 0.05}

# How well each step above the tonic fits a key. Source: D. Temperley, "The Cognition of Basic Musical
# Structures", MIT Press 2001, p. 180 (a revision of Krumhansl and Kessler's probe-tone profiles).
PROFILES = {
    "major": (5.0, 2.0, 3.5, 2.0, 4.5, 4.0, 2.0, 4.5, 2.0, 3.5, 1.5, 4.0),
    "minor": (5.0, 2.0, 3.5, 4.5, 2.0, 4.0, 2.0, 4.5, 3.5, 2.0, 1.5, 4.0),
}


Change = TypeVar("Change", Meter, Key)


def prepare(score: Score) -> Score:
    """Quantise, split voices, and find a key where none is given."""
    score = split_voices(quantise(score))
    if not score.keys and any(not p.drums and p.notes for p in score.parts):
        score = score.replace(keys=(find_key(score),))
    return score


# quantising


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


# keys


def find_key(score: Score) -> Key:
    """The key of a piece: the best correlation of its pitch-class durations with the key profiles.

    The last note counts double, as most melodies close on the tonic. Source of the method: C. L. Krumhansl,
    "Cognitive Foundations of Musical Pitch", Oxford 1990, ch. 4, with Temperley's profiles.
    """
    weights = np.zeros(12)
    notes = [n for p in score.parts if not p.drums for n in p.notes]
    for n in notes:
        weights[n.pitch % 12] += n.duration
    if notes:
        final = max(notes, key=lambda n: (n.onset, -n.pitch))
        weights[final.pitch % 12] += max(final.duration, TPQ)
    if not weights.any():
        return Key()
    candidates = [
        (float(np.corrcoef(np.roll(profile, tonic), weights)[0, 1]) if weights.std() else 0.0, -tonic, mode)
        for mode, profile in PROFILES.items()
        for tonic in range(12)
    ]
    _, tonic, mode = max(candidates)
    return Key(0, _signature(-tonic, mode), mode)


def _signature(tonic: int, mode: str) -> int:
    """The signature with the fewest accidentals whose tonic is this pitch class."""
    places = (fifths for fifths in range(-6, 7) if theory.tonic(fifths, mode) == tonic)
    return min(places, key=lambda fifths: (abs(fifths), -fifths))


# voices


def split_voices(score: Score) -> Score:
    """Give every part voices that do not overlap themselves; parts that have them already are left alone."""
    parts = tuple(p if p.drums else dataclasses.replace(p, notes=_in_voices(p.notes)) for p in score.parts)
    return score if parts == score.parts else score.replace(parts=parts)


def overlaps(notes: Iterable[Note]) -> bool:
    """Whether a voice overlaps itself: notes sound together that do not begin and end together."""
    ends: dict[int, tuple[int, int]] = {}
    for n in notes:
        onset, end = ends.get(n.voice, (-1, 0))
        if n.onset < end and (n.onset, n.end) != (onset, end):
            return True
        ends[n.voice] = (n.onset, n.end)
    return False


def _in_voices(notes: tuple[Note, ...]) -> tuple[Note, ...]:
    if not overlaps(notes):
        return notes
    chords: dict[tuple[int, int], list[Note]] = {}
    for n in sorted(notes, key=lambda n: (n.onset, -n.end, -n.pitch)):
        chords.setdefault((n.onset, n.end), []).append(n)
    voices: list[list[list[Note]]] = []
    for chord in chords.values():
        _place(chord, voices)
    # the highest voice first, as scores are written
    voices.sort(key=lambda voice: -float(np.mean([n.pitch for chord in voice for n in chord])))
    return tuple(
        dataclasses.replace(n, voice=number) for number, voice in enumerate(voices, 1) for chord in voice for n in chord
    )


def _place(chord: list[Note], voices: list[list[list[Note]]]) -> None:
    """Put a chord into the free voice that was nearest in pitch, into a new one, or make room."""
    onset, pitch = chord[0].onset, float(np.mean([n.pitch for n in chord]))

    def distance(voice: list[list[Note]]) -> float:
        return abs(float(np.mean([n.pitch for n in voice[-1]])) - pitch)

    free = [voice for voice in voices if voice[-1][0].end <= onset]
    if free:
        min(free, key=distance).append(chord)
    elif len(voices) < MAX_PART_VOICES:
        voices.append([chord])
    else:
        busy = [voice for voice in voices if voice[-1][0].onset < onset]
        if not busy:  # more chords at once than voices: the nearest one takes these notes in, at its length
            host = min(voices, key=distance)[-1]
            host += [dataclasses.replace(n, duration=host[0].duration) for n in chord]
            return
        voice = min(busy, key=distance)
        voice[-1] = [dataclasses.replace(n, duration=onset - n.onset) for n in voice[-1]]
        voice.append(chord)
