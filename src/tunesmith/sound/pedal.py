"""The sustain pedal: down as long as what is struck fits into one chord, up when the harmony changes.

A stretch is tried whole, then in halves, then by the beat; where not even a beat fits into a chord (a scale, a
passing note) the pedal stays up, so that a melody is never smeared. It is changed just after the beat, as
players do ("legato pedal": J. Banowetz, "The Pianist's Guide to Pedaling", ch. 3).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from itertools import pairwise

from tunesmith.score import Bar, Note, Score
from tunesmith.theory import QUALITIES

CHANGE_SECONDS = 0.05  # the damper falls this long after the beat that brings the new harmony
_PEDALLED = ("major", "minor", "diminished", "augmented", "dominant seventh", "minor seventh", "diminished seventh")
_CHORDS = tuple(
    frozenset((root + step) % 12 for step in quality.intervals)
    for quality in QUALITIES
    if quality.name in _PEDALLED
    for root in range(12)
)

Spans = list[tuple[int, int]]  # [start, end) in ticks, in order, apart


def spans(score: Score, bars: list[Bar]) -> Spans:
    """Where the pedal is down."""
    notes = sorted((n for part in score.parts if not part.drums for n in part.notes), key=lambda n: n.onset)
    onsets = [n.onset for n in notes]

    def held(start: int, end: int, beat: int) -> Iterator[tuple[int, int]]:
        pitches = sorted({n.pitch for n in notes[bisect_left(onsets, start) : bisect_left(onsets, end)]})
        if not pitches:
            return
        if _blends(pitches):
            yield start, end
            return
        half = (end - start) // (2 * beat) * beat
        if half:
            yield from held(start, start + half, beat)
            yield from held(start + half, end, beat)

    return [span for bar in bars for span in held(bar.start, bar.end, bar.meter.beat)]


def _blends(pitches: list[int]) -> bool:
    """Whether different pitches, from low to high, may ring together: of one chord, and no two a step apart."""
    classes = frozenset(pitch % 12 for pitch in pitches)
    return all(b - a > 2 for a, b in pairwise(pitches)) and any(classes <= chord for chord in _CHORDS)


def damped(note: Note, stop: float, held: Spans, lifts: list[float]) -> float:
    """When the damper falls on a note whose key is let go at `stop` seconds; `lifts`: when each span ends."""
    last_tick = note.end - 1
    index = bisect_right(held, (last_tick, 1 << 62)) - 1
    if index < 0 or last_tick >= held[index][1]:
        return stop
    return max(stop, lifts[index] + CHANGE_SECONDS)
