"""Where a piece, a section or a phrase ends, and how."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass

from tunesmith import theory
from tunesmith.constraints.wish import (
    CHORD_VOICE,
    NEVER,
    Bias,
    Filling,
    composing,
    durations,
    symbols,
    voice_number,
)
from tunesmith.scheme import vocabulary as v
from tunesmith.scheme.cursor import Cursor


@dataclass(frozen=True, slots=True)
class Length:
    """The piece has `ticks` and ends there, in every voice; a note is only begun if what is left can be filled.

    `given`: the chord voice is: how long its chords are is said by a `Progression`.
    """

    ticks: int
    filling: Filling
    given: bool = False

    def __str__(self) -> str:
        return "the number of bars"

    def __call__(self, cursor: Cursor, symbol: int | None = None) -> Bias | None:
        """Keeps every event inside the piece, and the end at its end."""
        if not composing(cursor):
            return None
        left = self.ticks - cursor.now
        if symbol is None:
            over = left <= 0 and not cursor.building
            bias = symbols(NEVER if over else 0.0)
            bias[v.END] = 0.0 if over else NEVER
            return bias
        if symbol >= v.CHORD.end or symbol == v.END or _given(self.given, cursor):
            return None
        return self.filling.within(left)


@dataclass(frozen=True, slots=True)
class Together:
    """All voices come together at these ticks: nothing sounds across them. Sections of a form begin so.

    `given`: the chord voice is, as in `Length`.
    """

    ticks: tuple[int, ...]
    filling: Filling
    words: str = "sections that begin together"
    given: bool = False

    def __str__(self) -> str:
        return self.words

    def __call__(self, cursor: Cursor, symbol: int | None = None) -> Bias | None:
        """Forbids what would not end in time."""
        if not composing(cursor):
            return None
        tick = next((t for t in self.ticks if t > cursor.now), 0)
        if _given(self.given, cursor):
            return None
        if symbol is None:
            return _nothing_held(cursor.now in self.ticks and cursor.now > 0)
        left = tick - cursor.now
        if symbol >= v.CHORD.end or symbol == v.END or left <= 0 or left > 2 * self.filling.longest:
            return None
        return self.filling.within(left)


def _given(given: bool, cursor: Cursor) -> bool:
    """Whether it is the turn of a chord voice that is given."""
    return given and bool(cursor.voices) and cursor.on_chord_voice


def _nothing_held(here: bool) -> Bias | None:
    """What begins here begins anew."""
    if not here:
        return None
    bias = symbols()
    bias[v.HOLD] = NEVER
    return bias


@dataclass(frozen=True, slots=True)
class Ending:
    """In a voice, what sounds last before `tick` is of these pitch classes (in the chord voice: chords), or a rest.

    It has at least `least` ticks and does not go on beyond. `voice`: 0 = the chord voice, 1 = the first voice of
    notes, ... `wanted`: pitch classes, chord symbols of the vocabulary, or REST alone.
    """

    voice: int
    tick: int
    wanted: frozenset[int]
    least: int
    filling: Filling
    words: str = "the ending"

    def __str__(self) -> str:
        return self.words

    def __call__(self, cursor: Cursor, symbol: int | None = None) -> Bias | None:
        """Leaves what ends well, and what leaves room to end well."""
        left = self.tick - cursor.now
        if not 0 <= left <= 2 * self.filling.longest or not composing(cursor) or voice_number(cursor) != self.voice:
            return None
        if not left:
            return _nothing_held(symbol is None)
        return self._symbols(cursor, left) if symbol is None else self._durations(cursor, symbol, left)

    def _symbols(self, cursor: Cursor, left: int) -> Bias | None:
        ticks = [v.TICKS[d] for d in self.filling.lengths if d != v.JOIN]
        if any(t < left and self._closable(cursor, left - t) for t in ticks):
            return None  # this event need not be the last
        bias = symbols(NEVER)
        bias[v.END] = 0.0
        for symbol in range(v.CHORD.end):
            if symbol != v.END and self._good(cursor, symbol):
                bias[symbol] = 0.0
        return bias

    def _durations(self, cursor: Cursor, symbol: int, left: int) -> Bias | None:
        if symbol >= v.CHORD.end or symbol == v.END:
            return None
        bias, good = durations(NEVER), self._good(cursor, symbol)
        held = cursor.now - cursor.voices[cursor.voice].onset if symbol == v.HOLD else 0
        for duration in self.filling.lengths:
            ticks = v.TICKS[duration]
            closes = ticks == left and good and ticks + held >= self.least
            if duration == v.JOIN or closes or (ticks < left and self._closable(cursor, left - ticks)):
                bias[duration] = 0.0
        return bias

    def _closable(self, cursor: Cursor, left: int) -> bool:
        return self.filling.closable(left, min(self.least, cursor.bar_length))

    def _good(self, cursor: Cursor, symbol: int) -> bool:
        """Whether the voice ends well if what sounds last is this."""
        if symbol == v.REST:
            return v.REST in self.wanted
        if symbol == v.HOLD:
            sounding = cursor.voices[cursor.voice].sounding
            return bool(sounding) and all(self._fine(s) for s in sounding)
        return all(self._fine(s) for s in (*cursor.building, symbol))

    def _fine(self, symbol: int) -> bool:
        return (symbol if self.voice == CHORD_VOICE else symbol % 12) in self.wanted and v.REST not in self.wanted


def triad(fifths: int, mode: str, degree: int = 0) -> Set[int]:
    """The pitch classes of a triad in a key, `degree` counted from 0; in minor the dominant's third is raised."""
    tonic = theory.tonic(fifths, mode)
    scale = sorted(theory.scale(fifths), key=lambda step: (step - tonic) % 12)
    found = [scale[(degree + third) % 7] for third in (0, 2, 4)]
    if mode == "minor" and degree == 4:
        found[1] = (tonic + 11) % 12
    return set(found)


def chords_like(triad_of: Set[int], root: int) -> list[int]:
    """The kinds of chords that have this triad."""
    return [
        number
        for number, quality in enumerate(theory.QUALITIES)
        if triad_of <= {(root + interval) % 12 for interval in quality.intervals}
    ]
