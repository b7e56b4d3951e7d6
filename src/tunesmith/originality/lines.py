"""The voices of a score as lines of notes, and lines as steps: what stays the same in any key and at any tempo.

A step leads from one note of a line to the next: the interval in semitones, and the ratio of the two notes' lengths. A
length goes to where the next note begins, so that staccato and rests change nothing; the last note's is its own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from tunesmith.score import Note, Score

Steps = NDArray[np.int64]
REACH = 127  # semitones: no interval between MIDI pitches is larger
PARTS_OF_RATIO = 1 << 12  # numerator and denominator of a ratio of lengths; larger ones are all alike
LEAST = 8  # notes of a run that counts as copied
LEAST_NOTES = 2  # of a line: one note has no step


class View(Enum):
    """What of a step counts: all of it, or its pitch (rhythm changed), or its rhythm (pitches changed) alone."""

    WHOLE = "pitch and rhythm"
    PITCH = "pitch alone"
    RHYTHM = "rhythm alone"


@dataclass(frozen=True, slots=True)
class Line:
    """One voice: its notes one after another, the top note of its chords alone. `part` counts from 0."""

    part: int
    voice: int
    notes: tuple[Note, ...]

    def steps(self, view: View = View.WHOLE) -> Steps:
        """A number (notes - 1,) for every step; equal numbers are equal steps."""
        pitches = np.array([note.pitch for note in self.notes], np.int64)
        intervals = np.diff(pitches) + REACH
        if view is View.PITCH:
            return intervals
        onsets = [note.onset for note in self.notes]
        lengths = [*(b - a for a, b in pairwise(onsets)), self.notes[-1].duration]
        ratios = np.array([_ratio(a, b) for a, b in pairwise(lengths)], np.int64)
        return ratios if view is View.RHYTHM else ratios * (2 * REACH + 1) + intervals


def step_of(interval: int, first: int, second: int) -> int:
    """The number of a whole step: its interval in semitones, and the lengths of its two notes in ticks."""
    return _ratio(first, second) * (2 * REACH + 1) + interval + REACH


def lines(score: Score) -> list[Line]:
    """The voices of a score that have a step to compare, as the piece is written: repeats once. Drums are left out."""
    found: dict[tuple[int, int], dict[int, Note]] = {}
    for number, part in enumerate(score.parts):
        for note in part.notes if not part.drums else ():
            voice = found.setdefault((number, note.voice), {})
            if note.onset not in voice or voice[note.onset].pitch < note.pitch:
                voice[note.onset] = note
    return [
        Line(part, voice, tuple(notes[onset] for onset in sorted(notes)))
        for (part, voice), notes in sorted(found.items())
        if len(notes) >= LEAST_NOTES
    ]


def _ratio(first: int, second: int) -> int:
    """A number for the ratio of two lengths in ticks."""
    common = math.gcd(first, second) or 1
    above, below = min(second // common, PARTS_OF_RATIO - 1), min(first // common, PARTS_OF_RATIO - 1)
    return above * PARTS_OF_RATIO + below
