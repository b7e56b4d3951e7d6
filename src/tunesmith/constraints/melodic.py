"""Which pitches: how high and low, how far apart, along which line."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from tunesmith.constraints.wish import (
    NEVER,
    Bias,
    Filling,
    composing,
    durations,
    nothing_joined,
    symbols,
    voice_number,
)
from tunesmith.scheme import vocabulary as v
from tunesmith.scheme.cursor import Cursor, Voice


@dataclass(frozen=True, slots=True)
class Range:
    """Pitches from `low` to `high`, both included, in one voice (counted from 1) or in all (0)."""

    low: int
    high: int
    voice: int = 0

    def __str__(self) -> str:
        return "the range" if not self.voice else f"the range of voice {self.voice}"

    def __call__(self, cursor: Cursor, symbol: int | None = None) -> Bias | None:
        """Forbids pitches outside, and joining a note that would have to lie above."""
        if self.voice and (not composing(cursor) or voice_number(cursor) != self.voice):
            return None
        if symbol is not None:
            return nothing_joined() if self.high <= symbol < v.PITCH.end else None
        return _between(self.low, self.high)


@lru_cache(maxsize=256)
def _between(low: int, high: int) -> Bias:
    """No pitch below or above."""
    bias = symbols()
    bias[:low] = bias[high + 1 : v.PITCH.end] = NEVER
    bias.flags.writeable = False
    return bias


@dataclass(frozen=True, slots=True)
class Alone:
    """One note at a time: no chords within a voice."""

    def __str__(self) -> str:
        return "one note at a time"

    def __call__(self, cursor: Cursor, symbol: int | None = None) -> Bias | None:
        """Forbids joining."""
        return None if symbol is None or symbol >= v.PITCH.end else nothing_joined()


@dataclass(frozen=True, slots=True)
class Contour:
    """The first voice follows a line: pitches at these ticks, straight in between, never farther than `reach` off.

    Within reach, what is nearer is likelier: `pull` nats for every semitone. It holds from the first tick to the last.
    """

    ticks: tuple[int, ...]
    pitches: tuple[float, ...]
    reach: int = 6  # either side: every pitch class is in reach, so that a piece can end on its tonic
    pull: float = 0.25

    def __str__(self) -> str:
        return "the contour"

    def __call__(self, cursor: Cursor, symbol: int | None = None) -> Bias | None:
        """Weighs pitches by their distance from the line."""
        if symbol is not None or not composing(cursor) or voice_number(cursor) != 1:
            return None
        if not self.ticks[0] <= cursor.now < self.ticks[-1]:
            return None
        distance = np.abs(np.arange(v.PITCH.end) - self.at(cursor.now))
        bias = symbols()
        bias[: v.PITCH.end] = np.where(distance <= self.reach, -self.pull * distance, NEVER)
        return bias

    def at(self, tick: int) -> float:
        """The height of the line."""
        return float(np.interp(tick, self.ticks, self.pitches))


@dataclass(frozen=True, slots=True)
class Pins:
    """At these ticks the voice begins this note: `pitches` of `ticks`, which rise. Nothing sounds across them."""

    voice: int
    ticks: tuple[int, ...]
    pitches: tuple[int, ...]
    filling: Filling
    words: str = "the notes to keep"

    def __str__(self) -> str:
        return self.words

    def __call__(self, cursor: Cursor, symbol: int | None = None) -> Bias | None:
        """Leaves the one note where it is due, and ends what comes before in time."""
        if not composing(cursor) or voice_number(cursor) != self.voice:
            return None
        place = bisect_right(self.ticks, cursor.now)
        due = place > 0 and self.ticks[place - 1] == cursor.now
        if symbol is None:
            if not due:
                return None
            bias = symbols(NEVER)
            bias[self.pitches[place - 1]] = 0.0
            return bias
        left = self.ticks[place] - cursor.now if place < len(self.ticks) else 0
        bias = durations()
        if due:
            bias[v.JOIN] = NEVER
        if 0 < left <= 2 * self.filling.longest:
            for duration in range(v.JOIN + 1, v.DURATIONS):
                if not self.filling.fits(left - v.TICKS[duration]):
                    bias[duration] = NEVER
        return bias


@dataclass(frozen=True, slots=True)
class Fresh:
    """No run of more than `most` notes of a voice comes back with the same intervals and lengths.

    A note that is held is as long as all of it; where it might go on it is looked at as if it ended, as in `MaxCopy`.
    """

    most: int

    @property
    def looks_back(self) -> int:
        """The notes of a run."""
        return self.most

    def __str__(self) -> str:
        return "no long repeats"

    def __call__(self, cursor: Cursor, symbol: int | None = None) -> Bias | None:
        """Forbids the length that would make the latest notes a run heard before."""
        if symbol is None or not (symbol < v.PITCH.end or symbol == v.HOLD) or not composing(cursor):
            return None
        if cursor.on_chord_voice:
            return None
        notes = _whole_notes(cursor.voices[cursor.voice])
        pitch, held = notes.pop() if symbol == v.HOLD else (symbol, 0)
        if len(notes) < self.most + 1:
            return None
        run = notes[: -self.most - 1 : -1]  # latest first
        bias = durations()
        for end in range(self.most, len(notes)):
            # notes[end] followed `most` notes; is it what would come now, and they the latest?
            if notes[end][0] - notes[end - 1][0] != pitch - run[0][0]:
                continue
            before = notes[end - self.most : end][::-1]
            alike = all(
                a[1] == b[1] and a[0] - run[0][0] == b[0] - before[0][0] for a, b in zip(run, before, strict=True)
            )
            left = notes[end][1] - held
            if alike and left in v.DURATION:
                bias[v.DURATION[left]] = NEVER
        return bias


def _whole_notes(voice: Voice) -> list[tuple[int, int]]:
    """The notes of a voice so far: top pitch, and ticks with what is held."""
    found: list[tuple[int, int]] = []
    for symbol, duration in voice.events.values():
        if symbol < v.PITCH.end and duration != v.JOIN:
            found.append((symbol, v.TICKS[duration]))
        elif symbol == v.HOLD:
            found[-1] = found[-1][0], found[-1][1] + v.TICKS[duration]
    return found
