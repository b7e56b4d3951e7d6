"""Which chords."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from tunesmith import theory
from tunesmith.constraints.wish import NEVER, Bias, Filling, composing, durations, symbols
from tunesmith.scheme import vocabulary as v
from tunesmith.scheme.cursor import Cursor

BEGINNING = 3  # so much more a note that begins with a chord is to be of it


@dataclass(frozen=True, slots=True)
class Progression:
    """Chord symbols of the vocabulary, each from a tick to where the next begins, the last to `end`.

    A chord voice has just these, and rests before the first. If `strict`, in every voice what begins with a chord is of
    its notes, and no note lasts into another chord, where lengths allow it; other notes of the voices get `bias` (nats)
    where they are foreign to the chord.
    """

    ticks: tuple[int, ...]
    chords: tuple[int, ...]
    end: int
    filling: Filling
    strict: bool = False
    bias: float = -1.0

    def __str__(self) -> str:
        return "the chords"

    def __call__(self, cursor: Cursor, symbol: int | None = None) -> Bias | None:
        """Leaves the chord that is due, and weighs notes by it."""
        if not composing(cursor) or not cursor.voices:
            return None
        place = bisect_right(self.ticks, cursor.now) - 1
        if cursor.now >= self.end:
            return None
        begins = place >= 0 and self.ticks[place] == cursor.now
        if cursor.on_chord_voice:
            return self._in_chord_voice(cursor, symbol, place, begins)
        if symbol is not None:
            return self._ending_with(cursor, symbol, place) if self.strict else None
        return self._among_notes(self.chords[place], begins) if place >= 0 else None

    def _ending_with(self, cursor: Cursor, symbol: int, place: int) -> Bias | None:
        """The lengths of a note that end with the chord, or leave room to."""
        if symbol >= v.PITCH.end and symbol != v.HOLD:
            return None
        sounding = self.chords[place] if place >= 0 else None
        changes = (t for t, chord in zip(self.ticks, self.chords, strict=True) if t > cursor.now and chord != sounding)
        left = next(changes, self.end) - cursor.now
        return self.filling.within(left) if self.filling.fits(left) else None

    def _in_chord_voice(self, cursor: Cursor, symbol: int | None, place: int, begins: bool) -> Bias | None:
        if symbol is None:
            bias = symbols(NEVER)
            bias[v.REST if place < 0 else self.chords[place] if begins else v.HOLD] = 0.0
            return bias
        if symbol >= v.CHORD.end or symbol == v.END:
            return None
        left = (self.ticks[place + 1] if place + 1 < len(self.ticks) else self.end) - cursor.now
        bias = durations(NEVER)
        bias[v.lengths_of(left)[0]] = 0.0  # as one chord symbol is written: the longest lengths first
        return bias

    def _among_notes(self, chord: int, begins: bool) -> Bias:
        root, quality = v.chord_of(chord)
        tones = {(root + interval) % 12 for interval in theory.QUALITIES[quality].intervals}
        outside = self.bias * (BEGINNING if begins else 1)
        outside = NEVER if begins and self.strict else outside
        bias = symbols()
        bias[: v.PITCH.end] = [0.0 if pitch % 12 in tones else outside for pitch in range(v.PITCH.end)]
        if begins and self.strict:
            bias[v.HOLD] = NEVER
        return bias


@dataclass(frozen=True, slots=True)
class Beneath:
    """Chord symbols suit a melody that is given: onsets, ends and pitches of its notes, one after another.

    A chord gets `bias` (nats) for what of the melody up to the bar line is foreign to it, and half of that again if the
    note is that it begins with; silence gets all of it. Chords change on beats, and not at every one.
    """

    melody: tuple[tuple[int, int, int], ...]
    bias: float = -6.0
    again: float = -5.0  # the same chord once more, rather than held on
    short: float = -1.5  # less than half a bar

    def __str__(self) -> str:
        return "chords that suit the melody"

    def __call__(self, cursor: Cursor, symbol: int | None = None) -> Bias | None:
        """Weighs chords by the melody above them, and their lengths by the bar."""
        if not composing(cursor) or not cursor.voices or not cursor.on_chord_voice:
            return None
        return self._chords(cursor) if symbol is None else self._lengths(cursor, symbol)

    def _chords(self, cursor: Cursor) -> Bias | None:
        end = cursor.now + cursor.bar_length - cursor.position
        above = [(max(a, cursor.now), min(b, end), p) for a, b, p in self.melody if a < end and b > cursor.now]
        if not above:
            return None
        weights = np.zeros(12)
        for begin, until, pitch in above:
            weights[pitch % 12] += until - begin
        foreign = 1.0 - _tones() @ weights / weights.sum()
        if above[0][0] == cursor.now:
            foreign += 0.5 * ~_tones()[:, above[0][2] % 12]
        bias = symbols()
        bias[v.CHORD.first : v.CHORD.end] = self.bias * foreign
        bias[v.REST] = self.bias
        if cursor.chord in v.CHORD:
            bias[v.HOLD] = bias[cursor.chord]
            bias[cursor.chord] += self.again
        return bias

    def _lengths(self, cursor: Cursor, symbol: int) -> Bias | None:
        if symbol not in v.CHORD and symbol not in (v.HOLD, v.REST):
            return None
        bias, beat = durations(), cursor.bar_length // cursor.beats
        for duration in range(v.JOIN + 1, v.DURATIONS):
            ticks = v.TICKS[duration]
            if (cursor.position + ticks) % beat:
                bias[duration] = self.bias
            elif 2 * ticks < cursor.bar_length and symbol != v.HOLD:
                bias[duration] = self.short
        return bias


@cache
def _tones() -> NDArray[np.bool_]:
    """Which pitch classes (chord symbols, 12) each chord symbol has."""
    found = np.zeros((v.CHORD.end - v.CHORD.first, 12), bool)
    for number, quality in enumerate(theory.QUALITIES):
        for root in range(12):
            place = v.chord_symbol(root, number) - v.CHORD.first
            found[place, [(root + interval) % 12 for interval in quality.intervals]] = True
    return found
